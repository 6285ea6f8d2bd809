"""Recognises boxes that are written in another form than their file's."""

import numpy as np

from backbone.errors import InputError
from tasks.common.report import counted

MOST_OF_A_SHARE = 1.01  # rounding takes shares a little beyond 1
# Corners that are read as x, y, width and height leave their photo so often, by far.
FEWEST_OUTSIDE, FEWEST_BOXES = 0.2, 4


def refuse_shares(values: np.ndarray, *, sizes: np.ndarray, source: object) -> None:
    """Refuses boxes that are shares of their photos, where pixels are expected.

    Args:
        values: The numbers of each box, ``(M, 4)``, NaN where there are not four.
        sizes: Width and height of each box's photo, ``(M, 2)``.
        source: Their file.

    Raises:
        InputError: If all lie within 0 and 1 in photos larger than that.
    """
    numbers = np.isfinite(values).all(axis=1)
    if not numbers.any() or (sizes[numbers] <= 2).any():
        return
    shares = (values[numbers] >= 0) & (values[numbers] <= MOST_OF_A_SHARE)
    if shares.all():
        total = counted(int(numbers.sum()), "box lies", "boxes lie")
        raise InputError(
            f"{source}: all {total} within 0 and 1, the first pixel: they look like shares of the "
            "photo, as YOLO has them. Multiply x and width by the photo's width, y and height by "
            "its height; folders in YOLO's own layout are read as they are"
        )


def looks_like_corners(values: np.ndarray, *, sizes: np.ndarray, outside: np.ndarray) -> bool:
    """Whether boxes that should be x, y, width and height are corners by all appearances.

    Args:
        values: The numbers of each box, ``(M, 4)``.
        sizes: Width and height of each box's photo, ``(M, 2)``.
        outside: Whether it leaves its photo if it is taken as it should be, ``(M,)``.
    """
    numbers = np.isfinite(values).all(axis=1)
    if numbers.sum() < FEWEST_BOXES or outside[numbers].mean() < FEWEST_OUTSIDE:
        return False
    start, end, limits = values[numbers, :2], values[numbers, 2:], sizes[numbers]
    return bool((end > start).all() and (start >= -1).all() and (end <= limits + 1).all())
