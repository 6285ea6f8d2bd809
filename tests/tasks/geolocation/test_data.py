"""Tables of photos, whole and with every kind of fault."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import csv, parquet

from backbone.errors import InputError
from tasks.common.data import augmentation
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.exif import photo_place
from tasks.geolocation.tables.reading import read_table
from tests.commands import run_inside
from tests.photo_files import write_photos

HEADER = "file,latitude,longitude,place,split"
GOOD = [
    "0.png,10,20,a,train",
    "1.png,10.1,20,a,train",
    "2.png,-60,-120,b,train",
    "3.png,-60,-121,b,train",
    "4.png,10,21,c,test",
    "5.png,10,21,c,val",
]
SETTINGS: dict[str, Any] = {
    "table": None,
    "images": None,
    "cells": None,
    "max_photos": 2,
    "min_photos": 1,
    "min_level": 0,
    "max_level": 30,
    "on_bad_row": "error",
    "album_size": None,
    "augmentation": augmentation.plain,
    "on_bad_image": "error",
    "batch_size": 2,
    "num_workers": 0,
    "image_size": 32,
    "seed": 0,
}


def write_data(root: Path, *rows: str) -> Path:
    write_photos(root / "photos", [f"{number}.png" for number in range(6)])
    (root / "photos.csv").write_text("\n".join([HEADER, *GOOD, *rows]) + "\n")
    return root


def make(root: Path, **settings: Any) -> GeolocationData:
    return GeolocationData(root=str(root), **SETTINGS | settings)


def test_cells_are_made_of_the_training_photos(tmp_path: Path) -> None:
    data = make(write_data(tmp_path))
    assert len(data.label_map) == 2
    assert sorted(data.photos("train").targets[:, 0].tolist()) == [0, 0, 1, 1]
    assert len(data.photos("val")) == 2
    assert data.val_photo(0)[1] == {"location": {"latitude": 10.0, "longitude": 21.0}}
    assert "train: 4 photos of 2 places" in data.report_lines()


def test_photos_in_dropped_cells_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = ["0b.png,55,55,d,train", "0c.png,40,-100,e,train", "0c.png,40,-100,e,train"]
    root = write_data(tmp_path, *rows[:2])
    write_photos(root / "photos", ["0b.png", "0c.png"])
    data = make(root, min_photos=2)
    assert len(data.photos("train")) == 4
    assert "  2 photos left out, in cells that were dropped" in data.report_lines()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("6.png,,20,a,train", "missing or no number"),
        ("6.png,nan,20,a,train", "missing or no number"),
        ("6.png,ten,20,a,train", "missing or no number"),
        ("6.png,91,20,a,train", "latitude is not within"),
        ("6.png,10,181,a,train", "longitude is not within"),
        ("0.png,10,20,a,train", "listed before"),
        ("../6.png,10,20,a,train", "leads out"),
        (",10,20,a,train", "file is missing"),
        ("6.png,10,20,a,elsewhere", "split is none of"),
        ("6.png,10", "not as many values"),
    ],
)
def test_bad_rows_are_refused_or_dropped_and_counted(row: str, said: str, tmp_path: Path) -> None:
    root = write_data(tmp_path, row)
    with pytest.raises(InputError, match=f"1 row of .*\n.*{said}") as refused:
        make(root).photos("train")
    assert "data.on_bad_row=drop" in str(refused.value)
    data = make(root, on_bad_row="drop")
    assert len(data.photos("train")) == 4
    assert any(line.startswith("1 row dropped") and said in line for line in data.report_lines())


def test_unreadable_photos_are_refused_or_skipped(tmp_path: Path) -> None:
    root = write_data(tmp_path)
    (root / "photos" / "0.png").write_text("<html>")
    (root / "photos" / "2.png").unlink()
    with pytest.raises(InputError, match=r"2 of 4 images.*\n.*0\.png"):
        make(root).photos("train")
    assert len(make(root, on_bad_image="skip").photos("train")) == 2


def test_albums_are_shown_together(tmp_path: Path) -> None:
    data = make(write_data(tmp_path), album_size=2)
    samples = [data.train_set[0, number] for number in range(len(data.train_set))]
    batch = data.collate(samples)
    assert batch["album"].tolist() == [0, 0, 1, 1]
    assert batch["image"].shape == (4, 3, 32, 32) and batch["target"].shape == (4, 1)


def test_other_names_and_formats_of_tables(tmp_path: Path) -> None:
    table = pa.table({"IMG_ID": ["a"], "LAT": ["1.5"], "LON": [2], "more": [None]})
    parquet.write_table(table, tmp_path / "table.parquet")
    csv.write_csv(table, tmp_path / "table.csv")
    for path in tmp_path.iterdir():
        bad = BadRows(path, on_bad_row="error")
        (part,) = read_table(path, needed=("file",), bad_rows=bad)
        assert part.to_pylist() == [{"file": "a", "latitude": 1.5, "longitude": 2.0}]
        with pytest.raises(InputError, match="lacks split"):
            list(read_table(path, needed=("split",), bad_rows=bad))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,latitude,longitude,\xe9\n", "cannot be read as a table.*byte 0xe9"),
        (b"file,lat,lon\na.jpg,1,2\n" * 5000 + b"\xff.jpg,1,2\n", "UTF8"),
        (b"file,lat,lon\na.jpg,1,2\n" * 5000 + b"\xff.jpg,1\n", "Expected 3 columns"),
    ],
    ids=["header", "value", "broken row"],
)
def test_a_table_that_is_no_utf8_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "photos.csv"
    path.write_bytes(content)
    bad = BadRows(path, on_bad_row="drop")
    with pytest.raises(InputError, match=said):
        list(read_table(path, needed=("file", "latitude"), bad_rows=bad))


@pytest.mark.parametrize("hashed", [False, True])
def test_the_metadata_of_yfcc(hashed: bool, tmp_path: Path) -> None:
    def row(number: str, longitude: str, latitude: str, is_video: str) -> str:
        values = [""] * 23
        values[0], values[1], values[10], values[11] = number, f"user{number}", longitude, latitude
        values[22] = is_video
        if hashed:
            values = ["0", number, "abcdef" + number, *values[1:]]
        return "\t".join(values)

    rows = [row("1", "16.5", "45.5", "0"), row("2", "", "", "0"), row("3", "1", "2", "1")]
    path = tmp_path / "yfcc100m_dataset"
    path.write_text("\n".join(rows) + "\n")
    (part,) = read_table(path, needed=("file",), bad_rows=BadRows(path, on_bad_row="error"))
    file = "abc/def/abcdef1.jpg" if hashed else "1.jpg"
    wanted = {"file": file, "latitude": 45.5, "longitude": 16.5, "place": "user1"}
    assert part.to_pylist() == [wanted]


def test_where_cameras_say_photos_were_taken(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "S", 2: (33.0, 30.0, 36.0), 3: "E", 4: (18.0, 15.0, 0.0)}
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGB", (8, 8)).save(tmp_path / "b.jpg")
    assert photo_place(tmp_path / "a.jpg") == pytest.approx((-33.51, 18.25))
    assert photo_place(tmp_path / "b.jpg") == (None, None)
    settings = ("max_photos=2", "min_photos=1", "output=cells.csv", f"table={tmp_path}")
    done = run_inside("make_cells", *settings, cwd=tmp_path)
    assert done.returncode == 2 and "b.jpg" in done.stderr
    done = run_inside("make_cells", *settings, "on_bad_row=drop", cwd=tmp_path)
    assert done.returncode == 0 and "1 row dropped" in done.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["table=nowhere.csv", "output=cells.csv"], "nowhere.csv"),
        (["table=photos.csv", "output=cells.txt"], ".parquet"),
        (["table=photos/0.png", "output=cells.csv"], "0.png"),
    ],
)
def test_make_cells_refuses(settings: list[str], said: str, tmp_path: Path) -> None:
    write_data(tmp_path)
    done = run_inside("make_cells", *settings, "max_photos=2", "min_photos=1", cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_samples_depend_on_their_place_alone(tmp_path: Path) -> None:
    data = make(write_data(tmp_path))
    first, again = (data.train_set[0, 1] for _ in range(2))
    assert np.array_equal(first["image"], again["image"])
