"""Predicted masks: from a grid over their boxes to the pixels of the original photos."""

import numpy as np
from numpy.typing import NDArray

from tasks.detection.annotations.outlines import Rle, runs_to_rle

THRESHOLD = 0.5


def paste_masks(shares: NDArray, boxes: NDArray, sizes: NDArray) -> list[Rle]:
    """Follows masks from their boxes to whole photos.

    Args:
        shares: How sure each point of a grid over the box is to be of the object, in [0, 1], shape
            ``(N, G, G)``.
        boxes: ``xyxy`` pixels of the original photos, shape ``(N, 4)``.
        sizes: Width and height of each one's photo, shape ``(N, 2)``.

    Returns:
        For each, the pixels whose centre is in the box and is more likely than not of the object.
    """
    columns = (shares.astype(np.float32), boxes.astype(np.float64), sizes)
    return [_paste(grid, box, size) for grid, box, size in zip(*columns, strict=True)]


def _paste(grid: NDArray, box: NDArray, size: NDArray) -> Rle:
    # the pixels whose centres are inside
    start = np.clip(np.ceil(box[:2] - 0.5), 0, size).astype(int)
    stop = np.clip(np.ceil(box[2:] - 0.5), start, size).astype(int)
    across, down = (
        _weights(np.arange(start[axis], stop[axis]), box[axis::2], num_points=len(grid))
        for axis in (0, 1)
    )
    return mask_to_rle(down @ grid @ across.T > THRESHOLD, corner=start, size=size)


def _weights(pixels: NDArray, bounds: NDArray, *, num_points: int) -> NDArray[np.float32]:
    """How much each grid point counts for each pixel when interpolating, ``(pixels, points)``.

    Points are in the middle of as many equal parts of the box; the outermost count for all beyond.
    """
    place = (pixels + 0.5 - bounds[0]) / (bounds[1] - bounds[0]) * num_points - 0.5
    place = np.clip(place, 0, num_points - 1)
    near = 1 - np.abs(place[:, None] - np.arange(num_points))
    return np.clip(near, 0, 1).astype(np.float32)


def mask_to_rle(mask: NDArray[np.bool_], *, corner: NDArray, size: NDArray) -> Rle:
    """Runs of a mask that is a small part of a photo, without a mask of all the photo.

    Args:
        mask: ``(h, w)``.
        corner: The x and y of its first pixel in the photo, ``(2,)``.
        size: The photo's width and height, ``(2,)``.
    """
    (left, top), (width, height) = corner.tolist(), size.tolist()
    edges = np.diff(mask.T.astype(np.int8), axis=1, prepend=0, append=0)  # column by column
    column, row = edges.nonzero()
    places, times = np.unique((column + left) * height + row + top, return_counts=True)
    # where a column's last run meets the next one's first, or the end, there is no edge
    places = places[(times == 1) & (places < width * height)]
    runs = np.diff(places, prepend=0, append=width * height)
    return runs_to_rle(runs, size=(width, height))
