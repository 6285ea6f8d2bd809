"""Which photos to show of many: few that stand for all."""

import numpy as np


def evenly(count: int, *, among: int) -> list[int]:
    """Numbers below ``among``, from all over.

    >>> evenly(3, among=9)
    [1, 4, 7]
    >>> evenly(3, among=2)
    [0, 1]
    """
    count = min(count, among)
    return [(2 * number + 1) * among // (2 * count) for number in range(count)]


def one_of_each(classes: np.ndarray, count: int) -> list[int]:
    """A photo of each class in turn, of classes from all over where there are too many.

    Args:
        classes: Of the photos, ``(N,)``.
        count: Photos to choose; all, if there are fewer.

    >>> one_of_each(np.array([0, 0, 0, 1, 1, 2]), 4)
    [0, 3, 5, 4]
    """
    order = np.argsort(classes, kind="stable")
    first = np.searchsorted(classes[order], classes[order])
    turn = np.arange(len(classes)) - first  # how many photos of its class come before
    chosen: list[int] = []
    for number in range(int(turn.max(initial=-1)) + 1):
        members = order[turn == number]
        chosen += members[evenly(count - len(chosen), among=len(members))].tolist()
        if len(chosen) == count:
            break
    return chosen


def covering(photos: np.ndarray, classes: np.ndarray, count: int, *, among: int) -> list[int]:
    """Photos that show all classes together, as far as so few can, and again, and so on.

    Each is the one with most classes that are still missing; of equals, one from all over.

    Args:
        photos: The photo of each object, ``(M,)``.
        classes: The class of each object, ``(M,)``.
        count: Photos to choose; all, if there are fewer.
        among: Photos there are.

    >>> covering(np.array([0, 0, 1, 2, 3]), np.array([0, 1, 0, 1, 2]), 2, among=4)
    [0, 3]
    """
    photos, classes = np.unique(np.stack([photos, classes]), axis=1)
    missing = np.ones(int(classes.max(initial=-1)) + 1, bool)
    free = np.ones(among, bool)
    chosen: list[int] = []
    for place in evenly(count, among=among):
        useful = missing[classes] & free[photos]
        if not useful.any():  # all are shown that can be: once more
            missing[:] = True
            useful = free[photos]
        gains = np.where(free, np.bincount(photos[useful], minlength=among), -1)
        best = np.flatnonzero(gains == gains.max())
        photo = int(best[np.abs(best - place).argmin()])
        chosen.append(photo)
        free[photo] = False
        missing[classes[photos == photo]] = False
    return chosen
