"""YuNet (Wu, Peng and Yu 2023) by OpenCV, without torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backbone.errors import InputError
from tasks.common.files.keyed_rows import contents
from tasks.faces.finders import FILE, Found, shrunk

# Of the picture that is searched: files that take one size only take this one.
SIDE = 640
# Short sides at which a photo is searched, each where those before it found nothing: faces of 10 to
# 300 pixels are found.
SHORT_SIDES = (320, 160)
MIN_SCORE = 0.9  # these two as OpenCV has them by itself
MAX_OVERLAP = 0.3  # intersection over union of two faces
MOST_BOXES = 5000  # that enter suppression


def description(file: Path) -> dict[str, Any]:
    """What the points that a file finds depend on.

    Raises:
        InputError: If it cannot be read.
    """
    return {
        "finder": "YuNet",
        "file": contents(file),
        "short_sides": list(SHORT_SIDES),
    }


class YunetFinder:
    """Finds faces by a file of YuNet's.

    Args:
        file: ONNX.

    Raises:
        InputError: If it cannot be read, or is of another network.
    """

    def __init__(self, file: Path) -> None:
        try:
            self.network = cv2.FaceDetectorYN.create(
                "onnx",
                np.frombuffer(_read(file), np.uint8),
                np.zeros(0, np.uint8),  # of frameworks with two files
                (SIDE, SIDE),
                MIN_SCORE,
                MAX_OVERLAP,
                MOST_BOXES,
            )
            self.network.detect(np.zeros((SIDE, SIDE, 3), np.uint8))
        except cv2.error as error:
            said = (error.err or str(error)).strip().splitlines()[0]
            raise InputError(f"{file} is no file of YuNet, OpenCV says: {said}. {FILE}") from error

    def find(self, photos: Sequence[np.ndarray]) -> list[Found]:
        """All faces in each photo, RGB, uint8, of any sizes."""
        return [self._find(photo) for photo in photos]

    def _find(self, photo: np.ndarray) -> Found:
        for short_side in SHORT_SIDES:
            seen, scale = shrunk(photo, short_side)
            narrower = min(SIDE / max(seen.shape[:2]), 1)  # of a panorama
            if narrower < 1:
                seen, scale = shrunk(photo, max(int(min(photo.shape[:2]) * scale * narrower), 1))
            canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
            height, width = (min(length, SIDE) for length in seen.shape[:2])
            canvas[:height, :width] = seen[:height, :width, ::-1]  # OpenCV's colours are BGR
            _, rows = self.network.detect(canvas)
            if rows is not None:
                break
        rows = np.zeros((0, 15)) if rows is None else np.asarray(rows)
        corner, size = rows[:, :2], rows[:, 2:4]
        boxes = np.concatenate([corner, corner + size], axis=1)
        return Found(boxes / scale, rows[:, 4:14].reshape(-1, 5, 2) / scale, rows[:, 14])


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error}") from error
