"""Where the face is in a photo, and the one warp that shows it.

A frame says it: a matrix ``(2, 3)`` from the square of the face, ``(0, 0)`` to ``(1, 1)``, to
pixels of the photo.
"""

from collections.abc import Sequence

import cv2
import numpy as np

# Eyes, nose and corners of the mouth in the 112x112 square that most public face networks take.
TEMPLATE_SIDE = 112
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
# Of a photo's short side that is shown where no face was found: about a face in a photo of one
# person, as those of LFW.
CENTRE_SHARE = 0.6
SHARPEST = 1.5  # photo pixels to one of the network; beyond, a warp alone would skip some


def aligned_frames(points: np.ndarray) -> np.ndarray:
    """Frames that bring five points nearest to the template.

    The similarity (turn, scale and shift) of least squares, in closed form: with points as complex
    numbers it is ``template = a * photo + b``, a line fitted to them.

    Args:
        points: Pixels of the photo, ``(N, 5, 2)``.

    Returns:
        ``(N, 2, 3)``; NaN where a point is.
    """
    photo = points[..., 0] + 1j * points[..., 1]
    corner = (TEMPLATE + 0.5) / TEMPLATE_SIDE  # a pixel's middle is half a pixel from its corner
    template = corner[:, 0] + 1j * corner[:, 1]
    photo_mean, template_mean = photo.mean(-1, keepdims=True), template.mean()
    spread = (np.abs(photo - photo_mean) ** 2).sum(-1)
    cross = ((photo - photo_mean).conj() * (template - template_mean)).sum(-1)
    with np.errstate(invalid="ignore"):  # of photos without a face
        back = spread / np.where(cross == 0, np.nan, cross)  # one over a: to the photo
    shift = photo_mean[..., 0] - back * template_mean
    rows = [
        np.stack([back.real, -back.imag, shift.real], axis=-1),
        np.stack([back.imag, back.real, shift.imag], axis=-1),
    ]
    return np.stack(rows, axis=-2)


def centre_frame(width: int, height: int, *, share: float) -> np.ndarray:
    """The frame of a square in the middle of a photo, ``(2, 3)``.

    Args:
        width: Of the photo in pixels.
        height: Likewise.
        share: Of its short side.
    """
    side = share * min(width, height)
    left, top = ((length - side) / 2 - 0.5 for length in (width, height))
    return np.array([[side, 0, left], [0, side, top]])


def show(pixels: np.ndarray, frame: np.ndarray, side: int) -> np.ndarray:
    """The square of a frame as a picture, ``(side, side, 3)``; black beyond the photo.

    Args:
        pixels: The photo, RGB, uint8.
        frame: In its pixels.
        side: Of the picture.
    """
    scale = coarseness(frame, side)
    if scale > SHARPEST:
        height, width = (max(round(length / scale), 1) for length in pixels.shape[:2])
        frame = rescaled(frame, pixels.shape[1::-1], (width, height))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    matrix = frame / side
    matrix[:, 2] = frame[:, 2] + matrix[:, :2].sum(1) / 2  # from the middle of the first pixel
    return cv2.warpAffine(
        pixels, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )


def coarseness(frame: np.ndarray, side: int) -> float:
    """Pixels of the photo, along a side, for one of a picture of ``side`` pixels."""
    return float(np.sqrt(abs(np.linalg.det(frame[:, :2]))) / side)


def rescaled(frame: np.ndarray, old: Sequence[int], new: Sequence[int]) -> np.ndarray:
    """The frame of the same square in a photo of another size.

    Args:
        frame: In pixels of the photo.
        old: The photo's width and height.
        new: Those that it has now.
    """
    factors = np.array(new)[:, None] / np.array(old)[:, None]
    return np.asarray(frame * factors + np.array([[0, 0, 0.5]]) * (factors - 1))


def corners(frame: np.ndarray) -> np.ndarray:
    """The corners of a frame's square in pixels of the photo, ``(4, 2)``, around it."""
    square = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])
    return np.asarray(square @ frame.T)
