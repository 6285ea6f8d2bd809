"""Maps show cells where they are."""

from pathlib import Path

import numpy as np

from tasks.geolocation.cells.adaptive import Cells, s2
from tasks.geolocation.cells.maps import (
    COAST,
    OCEAN,
    WORLD,
    CellMap,
    Window,
    window_around,
    write_web_map,
)


def cells_at(points: list[list[float]], level: int) -> Cells:
    ids = np.unique(s2.parents(s2.leaf_ids(points), level))
    return Cells(ids, np.ones(len(ids), np.int64), s2.cell_centres(ids))


def test_a_cell_is_drawn_where_it_is_on_both_sides_of_the_date_line_and_at_the_pole() -> None:
    points = [[1.0, 179.5], [1.0, -179.5], [89.9, 10.0]]
    cells = cells_at(points, 2)
    drawn = CellMap(cells, height=180, window=WORLD)
    picture = drawn.draw(np.ones(len(cells)))
    for point in [*points, [89.9, -150.0]]:
        x, y = drawn.place(np.array(point))
        near = picture[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        assert (near != OCEAN).any()
    assert tuple(picture[91, 95]) == OCEAN
    assert (picture != CellMap(cells, height=180, window=WORLD).draw(np.zeros(len(cells)))).any()


def test_cells_smaller_than_a_pixel_are_dots() -> None:
    cells = cells_at([[45.0, 15.0]], 20)
    drawn = CellMap(cells, height=90, window=WORLD)
    assert (drawn.draw(np.ones(1)) != drawn.draw(np.zeros(1))).any()


def test_the_window_holds_all_points_or_is_the_world() -> None:
    points = np.array([[44.0, 14.0], [46.0, 19.0]])
    south, west, north, east = window_around(points)
    assert south < 44 and north > 46 and west < 14 and east > 19
    assert window_around(np.array([[0.0, -179.0], [0.0, 179.0]])) == WORLD


def test_the_page_has_each_cell(tmp_path: Path) -> None:
    cells = [{"name": "4761", "score": 0.7}, {"name": "4765", "score": 0.2}]
    place = {"latitude": 45.0, "longitude": 15.0, "radius_km": 80.0}
    write_web_map(tmp_path / "map.html", {"location": place, "cells": cells})
    page = (tmp_path / "map.html").read_text()
    assert "4761: 70.0%" in page and "4765: 20.0%" in page and "within 80 km" in page


def test_coasts_are_where_they_are_on_the_earth() -> None:
    cells = cells_at([[0.0, 0.0]], 20)
    drawn = CellMap(cells, height=720, window=WORLD)
    picture = drawn.draw(np.zeros(1))
    for capes in ([-34.8, 20.0], [8.0, 77.5], [51.1, 1.4], [-55.5, -67.0]):
        x, y = drawn.place(np.array(capes))  # the south of Africa and India, Dover, the Horn
        assert (picture[y - 6 : y + 7, x - 6 : x + 7] == COAST).all(axis=-1).any(), capes
    x, y = drawn.place(np.array([30.0, -45.0]))  # in the Atlantic
    assert not (picture[y - 20 : y + 21, x - 20 : x + 21] == COAST).all(axis=-1).any()
    near = CellMap(cells, height=90, window=Window(35.0, 5.0, 48.0, 31.0)).draw(np.zeros(1))
    assert (near == COAST).all(axis=-1).mean() > 0.01  # Italy and the Balkans
