"""Where photos were taken, as their cameras wrote it into them."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import ExifTags, UnidentifiedImageError

from backbone.errors import InputError
from tasks.common.images.decoding import open_image
from tasks.common.images.finding import find_images
from tasks.geolocation.tables.takeout import sidecar_place

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
    """Latitude and longitude in degrees; None for both if the photo does not say, or is broken.

    What its Exif does not say may be in the file that Google Takeout puts beside it.

    Raises:
        InputError: If it is a HEIC image, and what reads these is not installed.
    """
    place = _exif_place(path)
    if None in place or place == (0, 0):
        return sidecar_place(path) or place
    return place


def _exif_place(path: Path) -> PhotoPlace:
    try:
        with path.open("rb") as file, open_image(file, path) as image:
            gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    except InputError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, LookupError):
        return None, None
    tags = ExifTags.GPS
    latitude = degrees(gps.get(tags.GPSLatitude), gps.get(tags.GPSLatitudeRef), sides="NS")
    longitude = degrees(gps.get(tags.GPSLongitude), gps.get(tags.GPSLongitudeRef), sides="EW")
    return latitude, longitude


def degrees(parts: Any, side: Any, *, sides: str) -> float | None:
    """Degrees, minutes and seconds as one number; None where any of them or the side is missing.

    A place without its side is half a place: taken for north and east, it may be on the other side
    of the Earth.

    Args:
        parts: Degrees, and perhaps minutes and seconds.
        side: Of the equator or of Greenwich: a letter or a word, in bytes too.
        sides: The letters that a side begins with: of the positive one, then of the other.

    >>> degrees((33, 30, 0), "S", sides="NS"), degrees((18,), b"East", sides="EW")
    (-33.5, 18.0)
    >>> degrees((33, 30, 0), None, sides="NS"), degrees((33, 30, 0), "", sides="NS")
    (None, None)
    """
    try:
        values = [float(part) for part in (parts if isinstance(parts, Sequence) else [parts])]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    word = side.decode("latin-1") if isinstance(side, bytes) else str(side or "")
    letter = word.strip("\0 ").upper()[:1]
    if not 1 <= len(values) <= 3 or math.isnan(values[0]) or letter not in list(sides):
        return None
    # some write 0/0, which is no number, for seconds that they do not know
    finer = [0.0 if math.isnan(part) else part for part in values]
    value = sum(part / scale for part, scale in zip(finer, (1, 60, 3600), strict=False))
    return -value if letter == sides[1] else value
