"""Predictions as other programs take them: CSV for spreadsheets, GeoJSON for maps."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from backbone.files import replacing
from tasks.common.predictions.entries import Entry

# What numbers in a list are, where they have names.
PARTS = {"bbox": ("x", "y", "width", "height")}


def write_csv(entries: Iterable[Entry], path: Path) -> None:
    """Writes a row for each thing found: a box, a class, an attribute, a place, a face.

    A photo in which nothing is found has a row of its own. A spreadsheet takes the file as UTF-8
    by its first bytes.

    Args:
        entries: That can be gone through twice: columns are known when all have been seen.
        path: Of the file, which is whole or not there.
    """
    columns: dict[str, None] = {}
    for entry in entries:
        for row in rows_of(entry):
            columns |= dict.fromkeys(row)
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        table = csv.DictWriter(file, list(columns))
        table.writeheader()
        for entry in entries:
            table.writerows(map(_as_text, rows_of(entry)))


def rows_of(entry: Entry) -> Iterator[dict[str, Any]]:
    """The rows of an entry.

    >>> found = {"bbox": [1, 2, 3, 4], "name": "cat", "score": 0.5}
    >>> for row in rows_of({"file": "a.jpg", "width": 9, "detections": [found]}):
    ...     print(list(row.items())[2:])
    [('bbox_x', 1), ('bbox_y', 2), ('bbox_width', 3), ('bbox_height', 4), ('name', 'cat'), \
('score', 0.5)]
    """
    of_photo: dict[str, Any] = {}
    things: list[tuple[str, Mapping[str, Any]]] = []
    for key, value in entry.items():
        if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
            things += [(key, one) for one in value]
        else:
            of_photo |= _cells(key, value)
    kinds = {kind for kind, _ in things}
    for kind, thing in things:
        own = {"of": kind} if len(kinds) > 1 else {}
        yield of_photo | own | {k: v for key, value in thing.items() for k, v in _cells(key, value)}
    if not things:
        yield of_photo


def _cells(key: str, value: Any) -> list[tuple[str, Any]]:
    """A value as cells of a table: what has parts has a column for each."""
    if isinstance(value, Mapping):
        return [cell for part, one in value.items() for cell in _cells(f"{key}_{part}", one)]
    if key in PARTS and isinstance(value, list):
        return [(f"{key}_{part}", one) for part, one in zip(PARTS[key], value, strict=True)]
    return [(key, value)]


def _as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()}


def write_geojson(entries: Iterable[Entry], path: Path) -> None:
    """Writes the place of each photo, its ``location``, as a point, for maps."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number, entry in enumerate(entries):
            file.write(",\n" * bool(number) + json.dumps(_feature(entry)))
        file.write("]}\n")


def _feature(entry: Entry) -> dict[str, Any]:
    place = entry["location"]
    point = [place["longitude"], place["latitude"]]
    said = {key: value for key, value in entry.items() if not isinstance(value, list | Mapping)}
    said |= {key: one for key, one in place.items() if key not in ("latitude", "longitude")}
    if entry.get("cells"):
        said["score"] = entry["cells"][0]["score"]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": point},
        "properties": said,
    }
