"""The partition against a slow one, and what its file says."""

from pathlib import Path

import numpy as np
import pytest

from backbone.errors import InputError
from tasks.geolocation.cells.adaptive import (
    Granularity,
    granularities,
    make_cells,
    s2,
    sorted_leaves,
)
from tasks.geolocation.cells.partition import (
    class_counts,
    labelled_partition,
    make_partition,
    read_partition,
)
from tasks.geolocation.cells.sphere import great_circle_km, mean_point


def clustered(seed: int, count: int = 600) -> np.ndarray:
    """Photos around towns, one of them at the pole and one at the date line."""
    rng = np.random.default_rng(seed)
    towns = np.concatenate([[[89.9, 0], [5, 179.99]], rng.uniform((-80, -180), (80, 180), (8, 2))])
    points = towns[rng.integers(len(towns), size=count)] + rng.normal(0, 0.3, (count, 2))
    points[:, 0] = points[:, 0].clip(-90, 90)
    points[:, 1] = (points[:, 1] + 180) % 360 - 180
    return points


def slow_cells(points: np.ndarray, wanted: Granularity) -> dict[str, np.ndarray]:
    """As PlaNet's paper words it: each cell with its photos, split one after the other."""
    leaves = s2.leaf_ids(points)
    found = {}
    open_cells = [(int(face), np.arange(len(points))) for face in s2.face_ids()]
    while open_cells:
        cell, photos = open_cells.pop()
        level = int(s2.levels([cell])[0])
        inside = photos[s2.parents(leaves[photos], level) == np.uint64(cell)]
        most = wanted.max_photos if level >= wanted.min_level else 0
        if len(inside) > most and level < wanted.max_level:
            children = s2.children(np.array([cell], np.uint64))[0]
            open_cells += [(int(child), inside) for child in children]
        elif len(inside) >= wanted.min_photos:
            found[s2.tokens([cell])[0]] = inside
    return found


@pytest.mark.parametrize("seed", range(20))
def test_equals_a_slow_partition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = Granularity(
        int(rng.integers(1, 80)),
        int(rng.integers(1, 10)),
        min_level=int(rng.integers(0, 4)),
        max_level=int(rng.integers(4, 31)),
    )
    points = clustered(seed)
    cells = make_cells(sorted_leaves([points[:100], points[100:]]), wanted)
    slow = slow_cells(points, wanted)
    assert set(s2.tokens(cells.ids)) == set(slow)
    holding = cells.holding(s2.leaf_ids(points))
    for number, token in enumerate(s2.tokens(cells.ids)):
        assert np.flatnonzero(holding == number).tolist() == slow[token].tolist()
        assert cells.counts[number] == len(slow[token])
        assert great_circle_km(cells.points[number], mean_point(points[slow[token]])) < 2e-5
    # every photo is in one cell, or in none since its cell was dropped
    assert (holding >= 0).sum() == cells.counts.sum()


def test_several_granularities_are_a_hierarchy_that_files_keep(tmp_path: Path) -> None:
    points = clustered(0)
    partition = make_partition(sorted_leaves([points]), granularities([200, 50, 20], 5))
    for suffix in ("csv", "parquet"):
        partition.save(tmp_path / f"cells.{suffix}")
        again = read_partition(tmp_path / f"cells.{suffix}")
        assert (again.holding(points) == partition.holding(points)).all()
        assert again.finest.points.tolist() == partition.finest.points.tolist()
    found = partition.holding(points)
    inside = (found >= 0).all(axis=1)
    for coarser, parents in enumerate(partition.parents):
        assert (parents[found[inside, 2]] == found[inside, coarser]).all()
    labels = partition.label_map()
    assert class_counts(labels) == [len(cells) for cells in partition.granularities]
    back = labelled_partition(labels, labels.points)
    assert (back.finest.ids == partition.finest.ids).all()


def test_one_granularity_has_these_columns(tmp_path: Path) -> None:
    leaves = sorted_leaves([clustered(1)])
    make_partition(leaves, granularities(50, 5)).save(tmp_path / "cells.csv")
    header = (tmp_path / "cells.csv").read_text().splitlines()[0]
    assert header == "token,level,count,latitude,longitude"


def test_photos_of_one_place_end_in_a_leaf() -> None:
    cells = make_cells(sorted_leaves([np.full((9, 2), 12.5)]), Granularity(3, 1))
    assert (s2.levels(cells.ids).tolist(), cells.counts.tolist()) == ([30], [9])
    assert great_circle_km(cells.points[0], (12.5, 12.5)) < 2e-5


@pytest.mark.parametrize(
    ("most", "least", "said"),
    [
        (0, 1, "max_photos=0"),
        ([5, 10], 1, "coarsest"),
        ([10, 5], [1, 1, 1], "as many"),
        (10, 1000, "lower min_photos"),
    ],
)
def test_what_cannot_be_split_is_refused(most: object, least: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_partition(sorted_leaves([clustered(2)]), granularities(most, least))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "no file of cells|holds no cell"),
        ("zz,1,1,0,0\n", "zz"),
        ("1,0,1,0,0\n14,1,1,0,0\n", "overlap"),
        ("1,0,1,99,0\n", "not on the Earth"),
    ],
)
def test_damaged_files_of_cells_are_refused(rows: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("token,level,count,latitude,longitude\n" + rows)
    with pytest.raises(InputError, match=said):
        read_partition(tmp_path / "cells.csv")
