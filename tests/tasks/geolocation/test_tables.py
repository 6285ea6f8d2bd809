"""Tables of places as spreadsheets, exiftool, Takeout and people write them."""

import json
from pathlib import Path

import pytest

from backbone.errors import InputError
from tasks.geolocation.cells.partition import read_partition
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.tables.angles import angle
from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.csv_blocks import read_blocks
from tasks.geolocation.tables.exif import photo_place
from tasks.geolocation.tables.preparing import prepare_table
from tasks.geolocation.tables.takeout import sidecar_place
from tests.photo_files import write_photos
from tests.tasks.geolocation.test_data import SETTINGS

NAMES = [f"{number}.jpg" for number in range(4)]
POINTS = [(48.5, 2.25), (-33.5, 18.25), (40.75, -74.5), (-12.0, -77.125)]
SPLITS = ["train", "train", "train", "val"]


def make(root: Path, text: str, *, name: str = "photos.csv", **settings) -> GeolocationData:
    write_photos(root / "photos", NAMES)
    (root / name).write_text(text, encoding="utf-8")
    given = SETTINGS | {"table": str(root / name), "images": str(root / "photos")} | settings
    return GeolocationData(root=None, **given)


def table(header: str, row: str, *, end: str = "\n") -> str:
    rows = [
        row.format(name=name, lat=lat, lon=lon, split=split)
        for name, (lat, lon), split in zip(NAMES, POINTS, SPLITS, strict=True)
    ]
    return end.join([header, *rows]) + end


PLAIN = table("file,latitude,longitude,split", "{name},{lat},{lon},{split}")


def with_commas(text: str) -> str:
    return text.replace(".jpg", "#jpg").replace(".", ",").replace("#jpg", ".jpg")


def in_sides(sign: str, before: bool) -> str:
    def said(value: float, sides: str) -> str:
        side, whole = sides[value < 0], abs(value)
        minutes = (whole - int(whole)) * 60
        text = f'{int(whole)}{sign} {int(minutes)}\' {(minutes - int(minutes)) * 60}""'
        return f'"{side} {text}"' if before else f'"{text} {side}"'

    rows = [
        f"{name},{said(lat, 'NS')},{said(lon, 'EW')},{split}"
        for name, (lat, lon), split in zip(NAMES, POINTS, SPLITS, strict=True)
    ]
    return "\n".join(["file,lat,lng,split", *rows])


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        with_commas(table("\ufefffile;latitude;longitude;split", "{name};{lat};{lon};{split}")),
        with_commas(table("file,lat,lng,split", '{name},"{lat}","{lon}",{split}')),
        table("filename\tlat\tlng\tsplit", "{name}\t{lat}\t{lon}\t{split}", end="\r\n"),
        table("SourceFile,GPSLatitude,GPSLongitude,Split", "./photos/{name},{lat},{lon},{split}"),
        table("file,FileName,lat,lon,split", "/home/me/{name},{name},{lat},{lon},{split}"),
        PLAIN.replace("train", "training").replace("val", "valid"),
        PLAIN.replace("train", " Train ").replace("val", "dev"),
        PLAIN.replace(".jpg", ".JPG"),
        in_sides("\u00b0", before=False),
        in_sides(" deg", before=False),
        in_sides("\u00b0", before=True),
    ],
    ids=[
        *("plain", "excel", "quoted commas", "tabs", "exiftool", "absolute", "words", "dev"),
        *("capitals", "degrees", "deg", "side first"),
    ],
)
def test_tables_in_every_form(text: str, tmp_path: Path):
    data = make(tmp_path, text)
    train, val = data.photos("train"), data.photos("val")
    assert [train.name(index) for index in range(3)] == NAMES[:3]
    assert train.points.round(9).tolist() == [list(point) for point in POINTS[:3]]
    assert val.points.round(9).tolist() == [list(POINTS[3])]


def test_places_are_held_out_where_no_split_is_given(tmp_path: Path):
    text = table("file,latitude,longitude", "{name},{lat},{lon}")
    with pytest.raises(InputError, match=r"lacks split.*data\.val_share=0\.2.*dataset=geotagged"):
        make(tmp_path, text).photos("train")
    data = make(tmp_path, text, val_share=0.2)
    assert len(data.photos("train")) + len(data.photos("val")) == 4
    assert 0 < len(data.photos("val")) < 4
    with pytest.raises(InputError, match=r"Give data\.val_share=null"):
        make(tmp_path, PLAIN, val_share=0.2).photos("train")
    one = "file,lat,lon\n0.jpg,1,2\n1.jpg,1,2\n"
    with pytest.raises(InputError, match=r"val_share=0\.2: all photos are of one place"):
        make(tmp_path, one, val_share=0.2).photos("train")


@pytest.mark.parametrize("group", ["folder", "^user[0-9]+", "user([0-9])/"])
def test_photos_of_a_group_are_held_out_together(group: str, tmp_path: Path):
    names = [f"user{user}/{number}.jpg" for user in (1, 2) for number in (0, 1)]
    write_photos(tmp_path / "photos" / "user1", ["0.jpg", "1.jpg"])
    write_photos(tmp_path / "photos" / "user2", ["0.jpg", "1.jpg"])
    rows = [f"{name},{lat},{lon}" for name, (lat, lon) in zip(names, POINTS, strict=True)]
    text = "\n".join(["file,latitude,longitude", *rows, ""])
    data = make(tmp_path, text, val_share=0.4, group=group)
    train, val = data.photos("train"), data.photos("val")
    users = [{part.name(i).split("/")[0] for i in range(len(part))} for part in (train, val)]
    assert sorted(users, key=min) == [{"user1"}, {"user2"}]
    assert len(train) == len(val) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PK\x03\x04\x14", "begins as an archive, as workbooks.*save the sheet as CSV"),
        ('{"type": "FeatureCollection"}', "begins as JSON, as GeoJSON is"),
        ('<?xml version="1.0"?><kml>', "XML, as KML and GPX are"),
        (
            "file,lat,lon,split\n0.jpg,48.5 N?,somewhere,train\n",
            "latitude '48.5 N.', longitude 'some",
        ),
        (
            "file,lat,lon,split\n0.jpg,0,0.0,train\n",
            "both 0, as is written where no place is known",
        ),
        ("file,lat,lon,split\n0.jpg,48.5 E,2 N,train\n", "latitude '48.5 E', longitude '2 N'"),
        ("file,lat,lon,split\n0.jpg,1,2,later\n", "split is none of train, training, val, valid"),
        ("file,lat,lon,split\n../9.jpg,1,2,train\n", "leads out"),
    ],
)
def test_what_cannot_be_read_is_shown(text: str, said: str, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        make(tmp_path, text).photos("train")


@pytest.mark.parametrize(
    ("text", "sides", "found"),
    [
        ("48.6928\u00b0 N", "NS", 48.6928),
        ("33\u00b055\u203212\u2033S", "NS", -33.92),
        ("74:15.5:W", "EW", -74.2583333),
        ("2,5 East", "EW", 2.5),
        ("N", "NS", None),
        ("48 61 0 N", "NS", None),
        ("48.5 N 2.1 E", "NS", None),
        ("48.5", "NS", None),
        ("5 O", "EW", None),
    ],
)
def test_angles(text: str, sides: str, found: float | None):
    value = angle(text, sides=sides)
    assert value is None if found is None else value == pytest.approx(found)


@pytest.mark.parametrize("quoted", ['"a, b"', '"two\nlines"', '"a ""word"""', '5" wide'])
@pytest.mark.parametrize("block", [9, 40, 1 << 20])
def test_rows_are_whole_wherever_a_block_ends(quoted, block, monkeypatch, tmp_path: Path):
    monkeypatch.setattr("tasks.geolocation.tables.csv_blocks.BLOCK_BYTES", block)
    path = tmp_path / "table.csv"
    path.write_text("name,more\n" + "".join(f"{n},{quoted}\n" for n in range(20)) + "broken\n")
    bad = BadRows(path, on_bad_row="drop")
    settings = {"num_columns": 2, "separator": ",", "has_header": True, "bad_rows": bad}
    parts = list(read_blocks(path, {"name": 0}, **settings))
    names = [name for part in parts for name in part["name"].to_pylist()]
    if quoted[0] == '"':
        assert names == [str(number) for number in range(20)] and bad.counts.total() == 1
    else:  # a quote that stands alone opens no cell
        assert names == [str(number) for number in range(20)]


def takeout(folder: Path, photo: str, sidecar: str, latitude: float, longitude: float) -> Path:
    write_photos(folder, [photo])
    place = {"latitude": latitude, "longitude": longitude, "altitude": 0.0}
    (folder / sidecar).write_text(json.dumps({"title": photo, "geoData": place}))
    return folder / photo


@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        ("IMG_0.jpg", "IMG_0.jpg.json"),
        ("IMG_0.jpg", "IMG_0.jpg.supplemental-metadata.json"),
        ("IMG_0.jpg", "IMG_0.json"),
        ("IMG_0(1).jpg", "IMG_0.jpg(1).json"),
        ("IMG_0(1).jpg", "IMG_0.jpg.supplemental-metadata(1).json"),
        (
            "PXL_20230101_120000000.PORTRAIT.jpg",
            "PXL_20230101_120000000.PORTRAIT.jpg.supplement.json",
        ),
    ],
)
def test_takeouts_files_beside_photos_are_read(photo: str, sidecar: str, tmp_path: Path):
    assert photo_place(takeout(tmp_path, photo, sidecar, -33.5, 18.25)) == (-33.5, 18.25)


def test_takeouts_zeros_are_no_place(tmp_path: Path):
    assert sidecar_place(takeout(tmp_path, "a.jpg", "a.jpg.json", 0.0, 0.0)) is None
    (tmp_path / "a.jpg.json").write_text("[1, 2]")
    assert photo_place(tmp_path / "a.jpg") == (None, None)


@pytest.mark.parametrize("count", [2, 3])
def test_a_place_is_kept_to_test_on_however_few_there_are(count: int, tmp_path: Path):
    for number in range(count):
        takeout(tmp_path / "in", f"{number}.jpg", f"{number}.jpg.json", 10.0 * number, 5.0)
    said = prepare_table(tmp_path / "in", output=tmp_path / "out.csv")
    assert f"{count - 1} photos to learn from, 1 to test" in said
    assert "python tools/train.py task=planet" in said


def test_of_one_place_no_command_is_named_that_would_fail(tmp_path: Path):
    takeout(tmp_path / "in", "a.jpg", "a.jpg.json", 10.0, 5.0)
    said = prepare_table(tmp_path / "in", output=tmp_path / "out.csv")
    assert "No photo is of the split" in said and "tools/train.py" not in said


def test_published_cells_are_read(tmp_path: Path):
    path = tmp_path / "cells_50_5000.csv"
    header = "class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean"
    path.write_text(f"{header}\n0,1dc,800,-33.9,18.4\n1,89c,700,40.7,-74.0\n")
    cells = read_partition(path).finest
    assert cells.counts.tolist() == [800, 700] and cells.points[1].tolist() == [40.7, -74.0]
    path.write_text("id,latitude,longitude\n1,2,3\n")
    with pytest.raises(InputError, match="lacks token, count; it has id"):
        read_partition(path)
