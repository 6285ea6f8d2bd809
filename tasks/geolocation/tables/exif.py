"""Where photos were taken, as their cameras wrote it into them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import ExifTags, Image, UnidentifiedImageError

from tasks.common.images.decoding import FORMATS, find_images

ROWS = 4096  # photos at a time

PhotoPlace = tuple[float | None, float | None]


def read_exif(folder: Path) -> Iterator[pa.Table]:
    """The photos of a folder and its subfolders, with the place in their Exif or without any.

    Yields:
        Tables of ``file``, relative to the folder, ``latitude`` and ``longitude``.

    Raises:
        InputError: If there are no photos.
    """
    paths = find_images(folder)
    for start in range(0, len(paths), ROWS):
        part = paths[start : start + ROWS]
        places = [photo_place(path) for path in part]
        yield pa.table(
            {
                "file": pa.array([str(path.relative_to(folder)) for path in part], pa.string()),
                "latitude": pa.array([latitude for latitude, _ in places], pa.float64()),
                "longitude": pa.array([longitude for _, longitude in places], pa.float64()),
            }
        )


def photo_place(path: Path) -> PhotoPlace:
    """Latitude and longitude in degrees; None for both if the photo does not say, or is broken."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, LookupError):
        return None, None
    tags = ExifTags.GPS
    return (
        _degrees(gps.get(tags.GPSLatitude), gps.get(tags.GPSLatitudeRef), south="S"),
        _degrees(gps.get(tags.GPSLongitude), gps.get(tags.GPSLongitudeRef), south="W"),
    )


def _degrees(parts: Any, side: Any, *, south: str) -> float | None:
    """Degrees, minutes and seconds as one number."""
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    return -value if str(side).strip("\0 ").upper() == south else value
