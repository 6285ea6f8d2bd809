"""Tables of labels: columns of text, and what they say about faces."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from backbone.errors import InputError
from tasks.common.files.names import check_file_name
from tasks.face_attributes.faces import UNKNOWN

FILE = "file"  # the column of the photos' names


def read_header(file: Path) -> list[str]:
    """The names of a table's columns.

    Raises:
        InputError: If there is no such file, or it is no table.
    """
    return _read_rows(file)[0]


def read_columns(file: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Columns of a CSV file with a header.

    Args:
        file: The table.
        names: Of the columns that are needed; others may be there.

    Raises:
        InputError: If a column is missing or there twice, a row has other than one cell a column,
            or there is no row.
    """
    header, *rows = _read_rows(file)
    missing = [name for name in names if name not in header]
    if missing:
        raise InputError(
            f"{file} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; it has "
            f"{', '.join(header)}"
        )
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(
                f"{file}: row {line} has {len(row)} cells, and the header {len(header)}"
            )
    if not rows:
        raise InputError(f"{file} has a header and no rows: it must list photos")
    return {name: [row[header.index(name)].strip() for row in rows] for name in names}


def _read_rows(file: Path) -> list[list[str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = [row for row in csv.reader(opened) if row]
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; it must list the photos") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} is no CSV file in UTF-8: {error}") from error
    if not rows:
        raise InputError(f"{file} is empty; it must list the photos, below a header")
    header = [name.strip() for name in rows[0]]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{file}: the header has the column {twice[0]!r} more than once")
    return [header, *rows[1:]]


def check_names(names: Sequence[str], *, file: Path) -> list[str]:
    """The names of photos, each written in one way.

    Raises:
        InputError: If one leads out of the folder, or two are the same.
    """
    seen: dict[str, int] = {}
    for line, name in enumerate(names, start=2):
        check_file_name(name, source=f"{file}: row {line}")
        plain = str(PurePosixPath(name))
        if plain in seen:
            raise InputError(
                f"{file}: rows {seen[plain]} and {line} are both about {plain}: leave one of them"
            )
        seen[plain] = line
    return list(seen)


def to_targets(
    columns: Mapping[str, Sequence[str]], *, names: Sequence[str], file: Path
) -> np.ndarray:
    """What cells say: 1 is yes, 0 or -1 is no, an empty one says nothing; float32 ``(N, K)``.

    Args:
        columns: By the name of the attribute, a cell for each photo.
        names: Of the photos, for messages.
        file: Where they are from, for messages.

    Raises:
        InputError: If a cell says anything else, or a column has both 0 and -1, of which one may
            mean something else than no.
    """
    targets = [
        _to_target(column, cells, names=names, file=file) for column, cells in columns.items()
    ]
    return np.stack(targets, axis=1)


def _to_target(
    column: str, cells: Sequence[str], *, names: Sequence[str], file: Path
) -> np.ndarray:
    said: dict[str, float] = {"": float(UNKNOWN)}
    numbers = set()
    for cell in dict.fromkeys(cells):
        if cell:
            number = _number(cell)
            if number is None:
                raise InputError(
                    f"{file}: {names[cells.index(cell)]} has {cell!r} as {column!r}; an attribute "
                    "is 1 or 0, 1 or -1, or empty where it is unknown. With data=csv, "
                    "data.attributes=[...] names the columns to learn"
                )
            numbers.add(number)
            said[cell] = max(number, 0)
    if {0, -1} <= numbers:
        raise InputError(
            f"{file}: the column {column!r} has both 0 and -1, and only one can mean no; leave "
            "cells empty where nothing is known"
        )
    return np.array([said[cell] for cell in cells], np.float32)


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if number in (0, 1, -1) else None
