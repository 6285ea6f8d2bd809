"""Places that cameras write, in the spellings that there are."""

import sys
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from backbone.errors import InputError
from tasks.geolocation.tables.bad_rows import NOWHERE, BadRows
from tasks.geolocation.tables.exif import photo_place
from tasks.geolocation.tables.reading import read_table

SOUTH, WEST = (33, 55, 12.34), (70, 39, 56.78)
PLACE = (-33.92009, -70.66577)


def write(path: Path, *, sides: tuple[Any, Any] = ("S", "W"), parts: Any = (SOUTH, WEST)) -> Path:
    exif = Image.Exif()
    gps = {ExifTags.GPS.GPSLatitude: parts[0], ExifTags.GPS.GPSLongitude: parts[1]}
    names = (ExifTags.GPS.GPSLatitudeRef, ExifTags.GPS.GPSLongitudeRef)
    gps |= {name: side for name, side in zip(names, sides, strict=True) if side is not None}
    exif[ExifTags.IFD.GPSInfo] = {key: value for key, value in gps.items() if value is not None}
    Image.new("RGB", (40, 40)).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    "sides", [("S", "W"), ("s", "w"), ("South", "West"), ("S\0", "W\0"), (b"S", b"W")]
)
def test_south_and_west_in_every_spelling(sides, tmp_path):
    assert photo_place(write(tmp_path / "a.jpg", sides=sides)) == pytest.approx(PLACE, abs=1e-4)


def test_phones_write_heic(tmp_path, monkeypatch: pytest.MonkeyPatch):
    pillow_heif.register_heif_opener()
    photo = write(tmp_path / "a.heic")
    assert photo_place(photo) == pytest.approx(PLACE, abs=1e-4)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"a\.heic is a HEIC image.*pip install pillow-heif"):
        photo_place(photo)


@pytest.mark.parametrize("sides", [(None, None), ("", ""), ("S", None), ("X", "Y")])
def test_no_side_is_no_place(sides, tmp_path):
    assert None in photo_place(write(tmp_path / "a.jpg", sides=sides))


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (((33, 55.2057), (70, 39.9463)), PLACE),
        (((33, 55, IFDRational(0, 0)), (70, 39, IFDRational(0, 0))), (-33.9167, -70.65)),
    ],
)
def test_fewer_parts_are_read_as_far_as_they_go(parts, found, tmp_path):
    assert photo_place(write(tmp_path / "a.jpg", parts=parts)) == pytest.approx(found, abs=1e-4)


def test_what_a_camera_writes_that_knows_no_place_is_none(tmp_path):
    parts = ((IFDRational(0, 0),) * 3,) * 2
    assert photo_place(write(tmp_path / "a.jpg", parts=parts)) == (None, None)


def test_zeros_are_counted_among_the_rows_without_a_place(tmp_path):
    write(tmp_path / "a.jpg", parts=((0, 0, 0), (0, 0, 0)))
    bad = BadRows(tmp_path, on_bad_row="drop")
    (part,) = read_table(tmp_path, needed=("file",), bad_rows=bad)
    assert not bad.good_points(part)[1].any() and list(bad.counts) == [NOWHERE]
