"""The files that predictions are in: lines, arrays, tables and points."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from backbone.errors import InputError
from tasks.common.predictions import formats
from tasks.common.predictions.arrays import write_npz, write_parquet
from tasks.common.predictions.chosen import Chosen
from tasks.common.predictions.entries import EntryFile, write_array
from tasks.common.predictions.formats import write_formats
from tasks.common.predictions.tables import write_csv, write_geojson

ENTRIES = [{"file": f"{name}.jpg", "number": number} for number, name in enumerate("abc")]


def filled(path: Path) -> EntryFile:
    entries = EntryFile(path)
    entries.open()
    for entry in ENTRIES:
        entries.add(entry)
    return entries


def test_what_is_added_is_on_the_disk_before_the_end(tmp_path: Path):
    entries = filled(tmp_path / "a.jsonl")
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").open()] == ENTRIES
    assert list(entries) == ENTRIES and len(entries) == 3
    entries.close()


@pytest.mark.parametrize(
    ("tail", "kept"),
    [(b"", 3), (b'{"file": "d', 3), (b'{"file": "d"}', 3), (b"x" * 200_000, 3), (b"\n", None)],
)
def test_a_half_line_is_no_entry(tmp_path: Path, tail: bytes, kept: int | None):
    path = tmp_path / "a.jsonl"
    filled(path).close()
    with path.open("ab") as file:
        file.write(tail if kept else b"")
    assert list(EntryFile(path)) == ENTRIES
    entries = EntryFile(path)
    entries.open(kept=True)
    assert len(entries) == 3
    entries.add({"file": "d.jpg"})
    entries.close()
    assert list(entries) == [*ENTRIES, {"file": "d.jpg"}]


def test_only_a_half_line_is_nothing(tmp_path: Path):
    (tmp_path / "a.jsonl").write_bytes(b'{"file"')
    entries = EntryFile(tmp_path / "a.jsonl")
    entries.open(kept=True)
    entries.close()
    assert not len(entries) and not list(entries) and (tmp_path / "a.jsonl").read_bytes() == b""


@pytest.mark.parametrize("number", [0, 1, 3])
def test_an_array_has_all_of_them(tmp_path: Path, number: int):
    write_array(ENTRIES[:number], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == ENTRIES[:number]


@pytest.mark.parametrize(
    ("name", "most", "file"),
    [
        (None, 3, "predictions.json"),
        (None, 2, None),
        ("json", 2, "predictions.json"),
        ("csv", 2, "predictions.csv"),
    ],
)
def test_many_are_in_an_array_on_request(tmp_path: Path, name, most, file, monkeypatch):
    monkeypatch.setattr(formats, "MOST_IN_ARRAY", most)
    entries = filled(tmp_path / "predictions.jsonl")
    said = write_formats(entries, tmp_path, name)
    assert {path.name for path in tmp_path.iterdir()} - {"predictions.jsonl"} == {file} - {None}
    assert bool(said) == (file is None) and all("format=json" in line for line in said)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as table:
        return list(csv.DictReader(table))


def test_a_table_has_rows_of_every_kind(tmp_path: Path):
    entries = [
        {"file": "a,b.jpg", "classes": [{"name": "caf\u00e9", "score": 0.5}, {"name": "x\ny"}]},
        {"file": "none.jpg", "classes": []},
        {"file": "place.jpg", "location": {"latitude": 1.5, "longitude": -2.0}, "cells": []},
        {"file": "face.jpg", "embedding": [0.25, 1.0], "faces": [{"bbox": [1, 2, 3, 4]}]},
        {"file": "both.jpg", "classes": [{"name": "c"}], "attributes": [{"name": "d"}]},
    ]
    write_csv(entries, tmp_path / "a.csv")
    table = rows(tmp_path / "a.csv")
    assert [row["file"] for row in table] == [
        *("a,b.jpg", "a,b.jpg", "none.jpg", "place.jpg", "face.jpg", "both.jpg", "both.jpg")
    ]
    assert [row["name"] for row in table] == ["caf\u00e9", "x\ny", "", "", "", "c", "d"]
    assert [row["of"] for row in table[-2:]] == ["classes", "attributes"]
    assert (table[3]["location_latitude"], table[3]["location_longitude"]) == ("1.5", "-2.0")
    assert json.loads(table[4]["embedding"]) == [0.25, 1.0] and table[4]["bbox_height"] == "4"


def test_columns_keep_numbers(tmp_path: Path):
    found = {"bbox": [1.0, 2.0, 3.0, 4.0], "name": "cat", "score": 0.5}
    faces = [{"face": [[0.0, 1.0], [2.0, 3.0]], "embedding": [0.25, 1.0]}]
    entries = [
        {"file": "a.jpg", "detections": [found, found | {"name": "[dog]"}]},
        {"file": "b.jpg", "detections": []},
        {"file": "c.jpg", "faces": faces},
    ]
    write_parquet(entries, tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["file"] for row in table] == ["a.jpg", "a.jpg", "b.jpg", "c.jpg"]
    assert [row["name"] for row in table] == ["cat", "[dog]", None, None]
    assert table[0]["bbox_width"] == 3 and table[1]["score"] == 0.5
    assert table[3]["embedding"] == [0.25, 1.0] and table[3]["face"] == faces[0]["face"]


def test_embeddings_go_by_the_names_of_files(tmp_path: Path):
    square = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    entries = [
        {"file": "caf\u00e9.jpg", "face": square, "embedding": [0.25, 1.0]},
        {"file": "b.jpg", "faces": [{"face": square, "embedding": [k, 0.5]} for k in (0.0, 1.0)]},
        {"file": "none.jpg", "faces": []},
    ]
    write_npz(entries, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays["files"].tolist() == ["caf\u00e9.jpg", "b.jpg", "b.jpg"]
        assert arrays["embeddings"].tolist() == [[0.25, 1.0], [0.0, 0.5], [1.0, 0.5]]
        assert arrays["corners"].shape == (3, 4, 2)


def test_places_are_points(tmp_path: Path):
    place = {"latitude": 48.8, "longitude": 2.3, "radius_km": 12.0}
    entry = {"file": "a.jpg", "location": place, "cells": [{"name": "47e6", "score": 0.75}]}
    write_geojson([entry, {**entry, "file": "b.jpg", "cells": []}], tmp_path / "a.geojson")
    first, second = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [2.3, 48.8]}
    assert first["properties"] == {"file": "a.jpg", "radius_km": 12.0, "score": 0.75}
    assert second["properties"]["file"] == "b.jpg"


NAMED = {"x": 1, "classes": [{"name": "cat", "score": 0.9}, {"name": "dog", "score": 0.2}]}


@pytest.mark.parametrize(
    ("min_score", "classes", "kept"),
    [
        (None, None, ["cat", "dog"]),
        (0.2, None, ["cat", "dog"]),
        (0.5, None, ["cat"]),
        (None, ["dog"], ["dog"]),
        (0.5, "dog", []),
    ],
)
def test_what_is_of_interest(min_score, classes, kept):
    chosen = Chosen.of(min_score, classes, names=["cat", "dog"])
    entry = chosen(NAMED)
    assert entry["x"] == 1 and [row["name"] for row in entry["classes"]] == kept
    numbers = {"embedding": [0.1, 0.2], "heat_map": [[0.0, 1.0]]}
    assert chosen(numbers) == numbers


@pytest.mark.parametrize(
    ("given", "names", "said"),
    [
        ("Cat", ["cat", "dog"], "Did you mean cat?"),
        (["cat", "bird"], ["cat"], "classes=bird: the network knows no such class"),
        ("cat", [], "tells no classes apart"),
        ("x", [f"c{n}" for n in range(1000)], r"c19, \.\.\."),
        (3, ["1", "2"], "classes=3"),
    ],
)
def test_a_class_that_there_is_not_is_refused(given, names, said):
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        Chosen.of(None, given, names=names)
