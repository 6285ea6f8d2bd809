"""Cell ids against Google's own library, at the poles and the date line too."""

import numpy as np
import pytest
import s2geometry as google

from tasks.geolocation.cells import s2


def random_points(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    latitude = np.rad2deg(np.arcsin(rng.uniform(-1, 1, count)))
    return np.stack([latitude, rng.uniform(-180, 180, count)], axis=1)


EDGES = np.array(
    [[90, 0], [-90, 0], [90, 123], [0, 180], [0, -180], [0, 0], [45, 45], [-35.26, 135], [0, 90]]
)


def theirs(points: np.ndarray) -> list[google.S2CellId]:
    return [google.S2CellId(google.S2LatLng.FromDegrees(*point)) for point in points.tolist()]


def test_ids_at_every_level() -> None:
    points = np.concatenate([random_points(2000), EDGES.astype(float)])
    leaves, cells = s2.leaf_ids(points), theirs(points)
    assert leaves.tolist() == [cell.id() for cell in cells]
    for level in range(s2.MAX_LEVEL + 1):
        ids = s2.parents(leaves, level)
        assert ids.tolist() == [cell.parent(level).id() for cell in cells]
        assert (s2.levels(ids) == level).all()


@pytest.mark.parametrize("level", [0, 1, 5, 17, 29, 30])
def test_centres_tokens_children_and_leaves(level: int) -> None:
    points = random_points(300)
    ids = s2.parents(s2.leaf_ids(points), level)
    cells = [cell.parent(level) for cell in theirs(points)]
    centres = [cell.ToLatLng() for cell in cells]
    degrees = [(centre.lat().degrees(), centre.lng().degrees()) for centre in centres]
    np.testing.assert_allclose(s2.cell_centres(ids), degrees, atol=1e-12)
    assert s2.tokens(ids) == [cell.ToToken() for cell in cells]
    assert (s2.token_ids(s2.tokens(ids)) == ids).all()
    first, last = s2.leaf_range(ids)
    assert first.tolist() == [cell.range_min().id() for cell in cells]
    assert last.tolist() == [cell.range_max().id() for cell in cells]
    if level < s2.MAX_LEVEL:
        wanted = [[cell.child(number).id() for number in range(4)] for cell in cells]
        assert s2.children(ids).tolist() == wanted


def test_both_sides_of_the_date_line_are_one_place() -> None:
    assert len(set(s2.leaf_ids([[10.0, 180.0], [10.0, -180.0]]).tolist())) <= 2
    near = s2.parents(s2.leaf_ids([[10.0, 179.9999], [10.0, -179.9999]]), 0)
    assert near[0] == near[1]


@pytest.mark.parametrize("token", ["", "xyz", "0", "2", "f", "12345678901234567", "1A"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="no S2 cell"):
        s2.token_ids([token])
