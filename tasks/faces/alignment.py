"""Where the face is in a photo, and the one warp that shows it.

The square of a face is kept as the frame of a picture that is one pixel wide: it leads from
``(0, 0)`` to ``(1, 1)``, whatever the side of the network's input.
"""

import cv2
import numpy as np

from tasks.common.images.decoding import DecodedImage, ImageFile, read_image
from tasks.common.images.geometry import Shown, chained, in_size, moved, rectangle_frame

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
        points: Pixels of the photo, counted from the middle of the first one as face finders do,
            ``(N, 5, 2)``.

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
    shift = photo_mean[..., 0] - back * template_mean + (0.5 + 0.5j)  # likewise in the photo
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
    left, top = ((length - side) / 2 for length in (width, height))
    return rectangle_frame((left, top, left + side, top + side), (0, 0, 1, 1))


def read_face(path: ImageFile, frame: np.ndarray, side: int) -> DecodedImage:
    """Decodes a photo as coarsely as still shows a face well.

    Args:
        path: The photo.
        frame: The face's square in it.
        side: Of the picture to show it in.
    """
    return read_image(path, max_shrink=coarseness(frame, side) / SHARPEST)


def show_face(photo: DecodedImage, frame: np.ndarray, side: int) -> Shown:
    """The square of a face in a photo at network size.

    Args:
        photo: Of any size.
        frame: The face's square in pixels of the whole photo.
        side: Of the picture.
    """
    pixels, size = photo
    image = show(pixels, in_size(frame, size, pixels.shape[1::-1]), side)
    return Shown(image, at_side(frame, side))


def show(pixels: np.ndarray, frame: np.ndarray, side: int) -> np.ndarray:
    """A square as a picture, ``(side, side, 3)``; black beyond the photo.

    Args:
        pixels: The photo, RGB, uint8.
        frame: The square in its pixels.
        side: Of the picture.
    """
    scale = coarseness(frame, side)
    if scale > SHARPEST:
        height, width = (max(round(length / scale), 1) for length in pixels.shape[:2])
        frame = in_size(frame, pixels.shape[1::-1], (width, height))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    matrix = at_side(frame, side)
    matrix[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5  # OpenCV counts from the middle of a pixel
    return cv2.warpAffine(
        pixels, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )


def at_side(frame: np.ndarray, side: int) -> np.ndarray:
    """The frame of a picture with so many pixels along a side that shows a face's square."""
    return chained(frame, rectangle_frame((0, 0, 1, 1), (0, 0, side, side)))


def coarseness(frame: np.ndarray, side: int) -> float:
    """Pixels of the photo, along a side, for one of a picture of ``side`` pixels."""
    return float(np.sqrt(abs(np.linalg.det(frame[:, :2]))) / side)


def corners(frame: np.ndarray, side: int = 1) -> np.ndarray:
    """The corners of what a picture shows, in its photo and around it, ``(4, 2)``.

    They are for files and drawings, where pixels count from the middle of the first one.

    Args:
        frame: Of the picture.
        side: Of the picture; 1 for a face's square.
    """
    square = side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    return moved(square, frame) - 0.5


def square_of(corners: np.ndarray) -> np.ndarray:
    """The frame of the square that has these ``corners``."""
    corner, right, _, below = corners + 0.5
    return np.stack([right - corner, below - corner, corner], axis=1)
