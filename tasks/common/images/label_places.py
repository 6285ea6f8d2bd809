"""Where labels go, so that each is near what it names and covers no other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom in pixels
COVERED = 0.15  # of a label may lie on things before a smaller form of it is better


class LabelPlace(NamedTuple):
    """Where a label goes.

    Attributes:
        form: Which of its forms that is.
        rectangle: That this one fills.
        covered: Area of things in it, each counted, over its own.
    """

    form: int
    rectangle: Rectangle
    covered: float


def place_labels(
    labels: Sequence[tuple[Rectangle, Sequence[tuple[int, int]]]],
    *,
    size: tuple[int, int],
    taken: Sequence[Rectangle] = (),
) -> list[LabelPlace | None]:
    """Finds a place for each label inside a picture, at its thing and clear of other labels.

    A label goes above its thing, below, beside or, if nothing else is free, on it: where it
    covers least of all things, the usual place above before others. If there it would cover much
    of them, it tries its next form; and if each would cover another label, it goes without.

    Args:
        labels: The rectangle of the thing and the sizes ``(width, height)`` of the label's forms,
            from large to small; the most important label first, which has the first choice.
        size: Width and height of the picture.
        taken: Where no label may go.
    """
    things = np.array([thing for thing, _ in labels]).reshape(-1, 4)
    used = list(taken)
    places: list[LabelPlace | None] = []
    for thing, forms in labels:
        tried = (
            _best(thing, form, extent, size=size, things=things, used=used)
            for form, extent in enumerate(forms)
        )
        found = [place for place in tried if place]
        good = (place for place in found if place.covered <= COVERED)
        places.append(next(good, found[-1] if found else None))
        if places[-1]:
            used.append(places[-1].rectangle)
    return places


def _best(
    thing: Rectangle,
    form: int,
    extent: tuple[int, int],
    *,
    size: tuple[int, int],
    things: np.ndarray,
    used: Sequence[Rectangle],
) -> LabelPlace | None:
    width, height = extent
    corners = _corners(thing, width, height, size=size)
    corners = corners[
        (corners >= 0).all(1) & (corners <= np.subtract(size, (width, height))).all(1)
    ]
    candidates = np.concatenate([corners, corners + np.array((width, height))], axis=1)
    free = ~overlaps(candidates, np.array(used).reshape(-1, 4)).any(1)
    if not free.any():
        return None
    candidates = candidates[free]
    covered = overlaps(candidates, things).sum(1) / (width * height)
    best = int(covered.round(1).argmin())
    left, top, right, bottom = candidates[best].tolist()
    return LabelPlace(form, (left, top, right, bottom), float(covered[best]))


def _corners(thing: Rectangle, width: int, height: int, *, size: tuple[int, int]) -> np.ndarray:
    """The upper left corners that a label may have, the best ones first, ``(N, 2)``."""
    left, top, right, bottom = thing
    along = _steps(left, right - width, by=width)
    down = _steps(top, bottom - height, by=height)
    corners = [(x, y) for y in (top - height, bottom) for x in along]  # above, below
    corners += [(x, y) for x in (right, left - width) for y in down]  # beside
    corners += [(x, y) for y in down for x in along]  # on it
    # what would hang over the picture's edge moves inside
    return np.clip(corners, 0, np.maximum(np.subtract(size, (width, height)), 0))


def _steps(first: int, last: int, *, by: int) -> list[int]:
    """From one end to the other, both of them before what is between."""
    between = np.linspace(first, last, max(abs(last - first) // max(by, 1) + 1, 2))
    return [first, last, *between[1:-1].round().astype(int).tolist()]


def overlaps(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Areas that rectangles share, ``(N, 4)`` and ``(M, 4)`` to ``(N, M)``."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    return np.asarray((high - low).clip(0).prod(-1))
