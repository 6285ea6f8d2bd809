"""What finds faces: MTCNN of facenet-pytorch, or YuNet from a file of the user's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from backbone.errors import InputError

MTCNN, YUNET, NOBODY = "mtcnn", "yunet", "none"
FILE_ENDS = ".onnx"  # of YuNet
FILE = "It is face_detection_yunet_2026may.onnx of OpenCV's model zoo"
MAX_SIDE = 320  # short side of the photo that is searched; more finds no more of the faces we want
# Faces of so much of the short side, at least, are searched for; the next only where none is found.
FACE_SHARES = (0.3, 0.1)
SMALLEST_FACE = 0.04  # where all are wanted, since a photo of many people shows small ones


class Found(NamedTuple):
    """The faces of a photo, in its own pixels.

    Attributes:
        boxes: ``xyxy``, ``(F, 4)``.
        points: Eyes, nose and corners of the mouth, each pair left first as seen, ``(F, 5, 2)``.
        scores: ``(F,)``.
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray


class Finder(Protocol):
    """Finds faces in photos."""

    def find(self, photos: Sequence[np.ndarray]) -> list[Found]:
        """All faces in each photo, RGB, uint8, of any sizes."""
        ...


def check_alignment(alignment: Any, *, setting: str = "data.alignment") -> None:
    """Refuses what names no way to find faces.

    Args:
        alignment: ``mtcnn``, a file of YuNet's, or ``none``.
        setting: That holds it, for messages.

    Raises:
        InputError: Naming these.
    """
    if alignment in (MTCNN, NOBODY):
        return
    if alignment == YUNET:
        raise InputError(f"{setting}={alignment}: name its file, {setting}=FILE{FILE_ENDS}. {FILE}")
    if not str(alignment).endswith(FILE_ENDS):
        raise InputError(
            f"{setting}={alignment} is none of {MTCNN}, {NOBODY} and FILE{FILE_ENDS}, of YuNet"
        )
    if not Path(alignment).is_file():
        raise InputError(f"{setting}={alignment}: there is no such file. {FILE}")


def name_of(alignment: str) -> str:
    """``mtcnn``, ``yunet`` or ``none``, wherever a file lies."""
    return alignment if alignment in (MTCNN, NOBODY) else YUNET


def searches(alignment: str) -> bool:
    """Whether faces are searched for; otherwise a photo is one."""
    return str(alignment) != NOBODY


def finder_of(alignment: str, *, every_face: bool = False) -> Finder:
    """What finds the faces of photos.

    Args:
        alignment: ``mtcnn``, or a file of YuNet's.
        every_face: Search for small ones too, where a larger one is there.

    Raises:
        InputError: If it cannot be had.
    """
    if alignment == MTCNN:
        from tasks.faces.mtcnn import MtcnnFinder  # and torch with it

        return MtcnnFinder((SMALLEST_FACE,) if every_face else FACE_SHARES)
    from tasks.faces.yunet import YunetFinder

    return YunetFinder(Path(alignment))


def finder_description(alignment: str) -> dict[str, Any]:
    """What the points of a face depend on, for caches and checkpoints.

    Raises:
        InputError: If it names no way to find faces, or its file cannot be read.
    """
    check_alignment(alignment)
    if alignment == MTCNN:
        return {
            "finder": "facenet-pytorch 2.5.3 MTCNN",
            "face_shares": list(FACE_SHARES),
            "max_side": MAX_SIDE,
        }
    from tasks.faces.yunet import description

    return description(Path(alignment))


def shrunk(photo: np.ndarray, side: int = MAX_SIDE) -> tuple[np.ndarray, float]:
    """The photo at a short side of at most ``side``, and its scale."""
    scale = min(side / min(photo.shape[:2]), 1)
    if scale == 1:
        return photo, 1
    height, width = (max(round(scale * length), 1) for length in photo.shape[:2])
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), scale


def nearest_to_centre(found: Found, size: tuple[int, int]) -> np.ndarray:
    """The five points of the face whose box is nearest the middle, NaN without a face.

    Args:
        found: In the photo's pixels.
        size: Its width and height.
    """
    if not len(found.boxes):
        return np.full((5, 2), np.nan)
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    nearest = np.hypot(*(centres - np.array(size) / 2).T).argmin()
    return np.asarray(found.points[nearest])
