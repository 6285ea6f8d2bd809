"""Where in its photo each place of a picture is: the geometry of every task.

A frame says it: a matrix ``(2, 3)`` from pixels of the picture that the network gets to pixels of
the photo. Both count from the upper left corner, as COCO's boxes do: the middle of the first pixel
is at ``(0.5, 0.5)``. The frame of a mirrored picture has a negative determinant.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tasks.common.images.decoding import ImageFile


class Shown(NamedTuple):
    """What the network gets of a photo.

    Attributes:
        image: RGB, uint8, ``(S, S, 3)``.
        frame: From its pixels to those of the photo, ``(2, 3)``.
    """

    image: np.ndarray
    frame: np.ndarray


# From a file and the only source of randomness to what the network gets.
Look = Callable[[ImageFile, np.random.Generator], Shown]


def rectangle_frame(
    shown: Sequence[float] | np.ndarray, filled: Sequence[float] | np.ndarray
) -> np.ndarray:
    """The frame of a picture that shows a rectangle of the photo in one of its own.

    >>> rectangle_frame([100, 0, 500, 400], [0, 0, 200, 200])
    array([[  2.,   0., 100.],
           [  0.,   2.,   0.]])

    Args:
        shown: ``xyxy`` pixels of the photo.
        filled: ``xyxy`` pixels of the picture.
    """
    start, stop = np.reshape(shown, (2, 2))
    left_top, right_bottom = np.reshape(filled, (2, 2))
    scale = (stop - start) / (right_bottom - left_top)
    return np.column_stack([np.diag(scale), start - scale * left_top])


def in_size(
    frame: np.ndarray, old: Sequence[int] | np.ndarray, new: Sequence[int] | np.ndarray
) -> np.ndarray:
    """The frame of the same picture where the photo is of another size.

    Args:
        frame: To pixels of the photo.
        old: The photo's width and height.
        new: Those that it is to have.
    """
    return np.asarray(frame * (np.array(new) / np.array(old))[:, None])


def chained(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """One matrix, ``(2, 3)``, for two of which the inner one comes first."""
    return np.asarray(outer @ np.vstack([inner, [0, 0, 1]]))


def inverse(frame: np.ndarray) -> np.ndarray:
    """The matrix of the way back, ``(2, 3)``."""
    return np.asarray(np.linalg.inv(np.vstack([frame, [0, 0, 1]]))[:2])


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points ``(..., 2)`` after a matrix ``(2, 3)``."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def to_network(points: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Where a picture shows points of its photo, such as corners of boxes, outlines or landmarks.

    Args:
        points: Pixels of the photo, ``(..., 2)``.
        frame: Of the picture.

    Returns:
        Pixels of the picture, beyond it where it does not show them, ``(..., 2)``.
    """
    return np.asarray((points - frame[:, 2]) @ np.linalg.inv(frame[:, :2]).T)


def to_photo(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Where points of pictures are in their photos.

    Args:
        points: Pixels of the network's input, ``(..., P, 2)``.
        frames: Of the picture that each row of them is in, ``(..., 2, 3)``.

    Returns:
        Pixels of the photos, float64 ``(..., P, 2)``.
    """
    matrices = frames.astype(np.float64)
    turned = points.astype(np.float64) @ matrices[..., :2].swapaxes(-1, -2)
    return np.asarray(turned + matrices[..., None, :, 2])


def boxes_to_photo(boxes: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Where boxes are in their photos; of a picture that is turned, what surrounds them there.

    Args:
        boxes: ``xyxy`` pixels of the network's input, ``(N, 4)``.
        frames: Of the picture that each is in, ``(N, 2, 3)``.

    Returns:
        ``xyxy`` pixels of the photos, float64 ``(N, 4)``.
    """
    corners = to_photo(boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2), frames)
    return np.concatenate([corners.min(1), corners.max(1)], axis=1)


def is_mirrored(frame: np.ndarray) -> bool:
    """Whether a picture shows its photo as a mirror does."""
    return bool(np.linalg.det(frame[:, :2]) < 0)
