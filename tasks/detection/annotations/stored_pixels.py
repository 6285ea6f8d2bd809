"""Boxes that were drawn on a photo's stored pixels, without the rotation that its Exif asks for."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tasks.common.images.decoding import FORMATS, UPRIGHT, orientation_of
from tasks.common.machine.workers import threads
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.outlines import Polygon

EXIF_POLICIES = ("apply", "ignore")


class Stored(NamedTuple):
    """How a photo lies in its file: width and height there, and its Exif orientation, 1 to 8."""

    size: tuple[int, int]
    orientation: int


def stored(path: Path) -> Stored | None:
    """The same of a file; None if it cannot be read, which the check of the photos tells."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return Stored(image.size, orientation_of(image))
    except Exception:  # Pillow lets out whatever a damaged header made its parser do
        return None


def turn_upright(annotations: Annotations) -> Annotations:
    """Turns boxes and outlines as their photos are turned, where these are stored otherwise.

    A photo whose annotations are not for the size that is stored is left as it is: they were made
    with the rotation.

    Args:
        annotations: Whose sizes are those of the stored pixels.
    """
    with threads() as pool:
        found = list(pool.map(stored, annotations.paths()))
    sizes, boxes = annotations.sizes.copy(), annotations.boxes.copy()
    polygons: dict[int, list[Polygon]] = {}
    turned = 0
    for index, photo in enumerate(found):
        declared = tuple(annotations.sizes[index].tolist())
        if photo is None or photo.orientation == 1 or photo.size != declared:
            continue
        turned += 1
        rows = annotations.rows(index)
        corners = _turned(annotations.boxes[rows].reshape(-1, 2), photo).reshape(-1, 2, 2)
        boxes[rows] = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        sizes[index] = declared[::-1] if UPRIGHT[photo.orientation][0] else declared
        if annotations.outlines is not None:
            for row in range(rows.start, rows.stop):
                parts = annotations.outlines.polygons(row, size=photo.size)
                polygons[row] = [_turned(part, photo) for part in parts]
    if not turned:
        return annotations
    outlines = annotations.outlines and annotations.outlines.with_polygons(polygons)
    photos = counted(turned, "photo", "photos")
    note = f"boxes of {photos} turned upright, as Exif has it for the pixels: data.exif=ignore"
    mended = replace(annotations, sizes=sizes, boxes=boxes, outlines=outlines)
    return mended.with_notes([note])


def _turned(points: np.ndarray, photo: Stored) -> np.ndarray:
    """Points ``(n, 2)`` of the stored pixels where they are once the photo is upright."""
    transpose, flip_rows, flip_columns = UPRIGHT[photo.orientation]
    width, height = photo.size[::-1] if transpose else photo.size
    moved = (points[:, ::-1] if transpose else points).astype(np.float64)
    if flip_rows:
        moved[:, 1] = height - moved[:, 1]
    if flip_columns:
        moved[:, 0] = width - moved[:, 0]
    return moved
