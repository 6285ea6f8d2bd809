"""Table: a CSV file with file, xmin, ymin, xmax, ymax and class, a row a box, beside the photos.

Columns go by their names, whatever the order; without a heading they are in this order. A row
without numbers is a photo without objects.
"""

import csv
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from backbone.errors import InputError
from tasks.detection.layouts.assembling import Photo, Thing, found_photos
from tasks.detection.layouts.found import Found, role_of, split_by_folder
from tasks.detection.layouts.listing import Listing, shortened

COLUMNS = {
    "file": ("file", "filename", "file_name", "image", "image_name", "image_path", "path", "img",
             "image_id", "imageid"),
    "x0": ("xmin", "x_min", "x1", "x0", "left"),
    "y0": ("ymin", "y_min", "y1", "y0", "top"),
    "x1": ("xmax", "x_max", "x2", "right"),
    "y1": ("ymax", "y_max", "y2", "bottom"),
    "class": ("class", "label", "class_name", "name", "category", "classname", "labelname"),
}  # fmt: skip
SIZES = {"width": ("width", "image_width"), "height": ("height", "image_height")}
SPLITS = ("split", "subset", "set", "dataset")
TABLE = r"(?i)\A[^\n]*\b(x_?min|x_?1|left)\b[^\n]*"
NO_HEADING = r"\A[^\n,;\t]+\.[a-zA-Z]{3,4}[,;\t](\s*-?[\d.]+[,;\t]){4}[^\n,;\t]+(\n|\Z)"


class Row(NamedTuple):
    """A row of a table, with where it is."""

    values: dict[str, str]
    where: str


def find(listing: Listing) -> Found | None:
    """The photos of all such tables, by a column, or the names or folders of the tables."""
    names = listing.named(".csv", ".tsv")
    files = [name for name in names if "region_shape_attributes" not in listing.head(name)]
    with_heading = listing.holding(files, TABLE)
    files = [*with_heading, *listing.holding(files, NO_HEADING)]
    files = list(dict.fromkeys(files))
    if not files:
        return None
    splits = split_by_folder(files)
    if len(splits) == 1 and len(files) > 1 and all(role_of(file) for file in files):
        splits = {file.rpartition(".")[0].rpartition("/")[2]: [file] for file in files}
    rows = {file: _rows(listing, file) for file in files}
    divided: dict[str, list[tuple[str, Row]]] = {}
    for name, members in splits.items():
        for file in members:
            for row in rows[file]:
                split = row.values.get("split", "").strip() or name
                divided.setdefault(split, []).append((file, row))
    return found_photos(
        f"table: {shortened(files)}",
        {name: partial(_parse, listing, members) for name, members in divided.items()},
        folder=listing.root,
        source=listing.root / files[0],
    )


def _rows(listing: Listing, file: str) -> list[Row]:
    source = listing.root / file
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as text: {error}") from error
    delimiter = max(",;\t", key=lines[0].count)
    table = list(csv.reader(lines, delimiter=delimiter))
    heading = _heading(table[0], where=str(source))
    start = 1 if heading else 0
    keys = heading or list(COLUMNS)
    return [
        Row(dict(zip(keys, cells, strict=False)), f"{source}, line {number}")
        for number, cells in enumerate(table[start:], start=start + 1)
        if any(cells)
    ]


def _heading(cells: Sequence[str], *, where: str) -> list[str]:
    """Our names of the columns; none if the first line has a box.

    Raises:
        InputError: If a column is missing.
    """
    names = [cell.strip().lower() for cell in cells]
    known = {
        name: ours
        for ours, theirs in {**COLUMNS, **SIZES, "split": SPLITS}.items()
        for name in theirs
    }
    ours = [known.get(name, name) for name in names]
    if "x0" not in ours:
        return []
    missing = [f"{name} ({', '.join(COLUMNS[name][:3])})" for name in COLUMNS if name not in ours]
    if missing:
        raise InputError(f"{where} has the columns {', '.join(cells)}, and no {'; '.join(missing)}")
    return ours


def _parse(listing: Listing, rows: list[tuple[str, Row]]) -> list[Photo]:
    things: dict[str, list[Thing]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for file, row in rows:
        name = listing.near(file, row.values["file"].strip())
        on_it = things.setdefault(name, [])
        corners = [row.values.get(key, "").strip() for key in ("x0", "y0", "x1", "y1")]
        if any(corners):
            on_it.append(Thing(row.values.get("class", ""), _numbers(corners, row.where)))
        sides = [row.values.get(key, "").strip() for key in SIZES]
        if all(sides):
            width, height = _numbers(sides, row.where)
            sizes[name] = (int(width), int(height))
    return [Photo(name, on_it, sizes.get(name)) for name, on_it in things.items()]


def _numbers(values: Sequence[str], where: str) -> list[float]:
    try:
        return [float(value) for value in values]
    except ValueError as error:
        raise InputError(f"{where} has {', '.join(values)}, which must be numbers") from error
