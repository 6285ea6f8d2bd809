"""Shows a rectangle of an image in one of a canvas, and follows boxes and masks there."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.common.images.geometry import rectangle_frame, to_network
from tasks.detection.annotations.outlines import Polygon, polygons_to_mask

MIN_BOX_SIDE_PX = 1.0
# A mask has half the network input's side: a quarter of the memory, and finer than any head's.
PIXELS_PER_MASK_PIXEL = 2


def centres_inside(boxes: NDArray, windows: NDArray) -> NDArray[np.bool_]:
    """Whether each box's centre is in each window: xyxy ``(n, 4)``, ``(m, 4)`` to ``(m, n)``."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    after_start = (windows[:, None, :2] <= centres).all(axis=-1)
    return after_start & (centres < windows[:, None, 2:]).all(axis=-1)


def move_boxes(
    boxes: NDArray, source: NDArray, target: NDArray
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Follows boxes as one rectangle of an image is shown in another.

    A box stays when its centre is inside the rectangle; what sticks out is cut off. Boxes that end
    under one pixel wide or high go.

    Args:
        boxes: xyxy pixels of the image, ``(n, 4)``.
        source: The rectangle that is cut out, xyxy pixels of the image, ``(4,)``.
        target: The rectangle it fills, xyxy pixels of the canvas, ``(4,)``.

    Returns:
        All boxes in canvas pixels, ``(n, 4)``, and which of them stay, ``(n,)``.
    """
    corners = to_network(boxes.reshape(-1, 2, 2), rectangle_frame(source, target))
    moved = np.clip(corners, target[:2], target[2:]).reshape(-1, 4).astype(np.float32)
    large = (moved[:, 2:] - moved[:, :2] >= MIN_BOX_SIDE_PX).all(axis=1)
    return moved, large & centres_inside(boxes, source[None])[0]


def draw_masks(
    objects: Sequence[Sequence[Polygon]], source: NDArray, target: NDArray, *, side: int
) -> NDArray[np.uint8]:
    """Draws the polygons of objects where an image shows them.

    Args:
        objects: The polygons of each, in pixels of the image.
        source: The rectangle that is cut out, xyxy pixels of the image, ``(4,)``.
        target: The rectangle it fills, xyxy pixels of the canvas, ``(4,)``.
        side: Of the canvas, in pixels.

    Returns:
        0 and 1, nothing outside ``target``, shape ``(n, R, R)`` for ``R`` of half the side.
    """
    mask_side = side // PIXELS_PER_MASK_PIXEL
    share = mask_side / side
    frame = rectangle_frame(source, target)
    left, top, right, bottom = np.rint(target * share).astype(int)
    masks = np.zeros((len(objects), mask_side, mask_side), np.uint8)
    for mask, polygons in zip(masks, objects, strict=True):
        moved = [to_network(polygon, frame) * share for polygon in polygons]
        drawn = polygons_to_mask(moved, side=mask_side)
        mask[top:bottom, left:right] = drawn[top:bottom, left:right]
    return masks


def place(
    whole: NDArray[np.int64], window: NDArray[np.int64], cell: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels of an image that a window shows, and those of the cell that they fill.

    Both are whole pixels (rounded outwards, at least one), so that boxes moved from the one to the
    other fit what is drawn exactly. All rectangles are xyxy, ``(4,)``.

    Args:
        whole: The image's own rectangle.
        window: The rectangle of the image's plane that fills the cell; it must meet the image.
        cell: A rectangle of the canvas.
    """
    source = np.concatenate([np.maximum(window[:2], whole[:2]), np.minimum(window[2:], whole[2:])])
    sides, cell_sides = window[2:] - window[:2], cell[2:] - cell[:2]
    start = (source[:2] - window[:2]) * cell_sides // sides
    stop = -((window[:2] - source[2:]) * cell_sides // sides)
    return source, np.concatenate([start, stop]) + np.tile(cell[:2], 2)


def paste(image: NDArray, canvas: NDArray, source: NDArray, target: NDArray) -> None:
    """Fills a rectangle of the canvas with one of the image, both xyxy whole pixels."""
    x0, y0, x1, y1 = source
    left, top, right, bottom = (int(value) for value in target)
    canvas[top:bottom, left:right] = resize(image[y0:y1, x0:x1], right - left, bottom - top)


def resize(image: NDArray, width: int, height: int) -> NDArray:
    """Resizes without skipping pixels.

    Averaging pairs of pixels until less than half is left to go costs a tenth of averaging over any
    other area, and shifts the picture by less than a pixel (of the result) where a side is odd.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * rows, : 2 * columns]
        image = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
