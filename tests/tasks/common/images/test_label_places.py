"""Labels inside the picture, clear of each other and at what they name."""

import numpy as np
import pytest

from tasks.common.images.label_places import Rectangle, overlaps, place_labels

SIZE = (640, 480)
LABEL = (120, 22)


def random_things(seed: int, number: int) -> list[Rectangle]:
    rng = np.random.default_rng(seed)
    sides = rng.integers(30, 250, (number, 2))
    corners = rng.integers(0, np.array(SIZE) - sides + 1)
    return [tuple(thing) for thing in np.hstack([corners, corners + sides]).tolist()]


def check(rectangles: np.ndarray) -> None:
    """Inside the picture, and clear of each other."""
    assert (rectangles >= 0).all() and (rectangles <= np.tile(SIZE, 2)).all()
    shared = overlaps(rectangles, rectangles)
    assert (shared[~np.eye(len(rectangles), dtype=bool)] == 0).all()


@pytest.mark.parametrize("number", [1, 2, 6, 15])
def test_where_there_is_room_every_label_is_whole_clear_and_at_its_thing(number: int) -> None:
    for seed in range(30):
        things = random_things(seed, number)
        places = place_labels([(thing, [LABEL]) for thing in things], size=SIZE)
        rectangles = np.array([place.rectangle for place in places if place])
        assert len(rectangles) == number
        check(rectangles)
        assert (rectangles[:, 2:] - rectangles[:, :2] == LABEL).all()
        edge = np.array([-1, -1, 1, 1])  # at a thing's edge is at the thing
        touching = overlaps(rectangles + edge, np.array(things)).diagonal() > 0
        assert touching.all()


def test_in_a_crowd_no_label_covers_another_and_the_first_come_first() -> None:
    things = [(300, 200, 340, 240)] * 60
    places = place_labels([(thing, [LABEL]) for thing in things], size=SIZE)
    there = [place is not None for place in places]
    assert there[0] and not all(there) and there == sorted(there, reverse=True)
    check(np.array([place.rectangle for place in places if place]))


def test_a_label_goes_above_its_thing_unless_that_is_outside_or_covers_others() -> None:
    above, at_the_top, below_another = (50, 100, 250, 200), (300, 0, 500, 50), (50, 210, 250, 300)
    things = [(thing, [LABEL]) for thing in (above, at_the_top, below_another)]
    first, second, third = (place.rectangle for place in place_labels(things, size=SIZE) if place)
    assert first == (50, 78, 170, 100)
    assert second == (300, 50, 420, 72)
    assert third == (50, 300, 170, 322)


def test_a_label_too_large_is_shown_in_a_smaller_form_or_not() -> None:
    thing = (0, 0, *SIZE)
    forms = [(700, 22), (600, 500), (100, 22)]
    (place,) = place_labels([(thing, forms)], size=SIZE)
    assert place and place.form == 2
    assert place_labels([(thing, forms[:2])], size=SIZE) == [None]
    assert place_labels([(thing, forms)], size=SIZE, taken=[(0, 0, *SIZE)]) == [None]
