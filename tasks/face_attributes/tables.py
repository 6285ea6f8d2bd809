"""Tables of labels: what their cells say about faces."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from backbone.errors import InputError
from tasks.common.files.names import check_file_name
from tasks.face_attributes.faces import UNKNOWN

# What cells say besides numbers, as programs and people write it.
YES, NO = ("true", "yes", "t", "y"), ("false", "no", "f", "n")


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

    ``True`` and ``False``, ``yes`` and ``no`` will do too.

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
                    "is 1 or 0, 1 or -1, yes or no, or empty where it is unknown. With data=csv, "
                    "data.attributes=[...] names the columns to learn, and "
                    f"data.categories=[{column}] makes an attribute of each word; numbers as such, "
                    "such as years, are not learnt"
                )
            numbers.add(number)
            said[cell] = max(number, 0)
    if {0, -1} <= numbers:
        raise InputError(
            f"{file}: the column {column!r} has both 0 and -1, and only one can mean no; leave "
            "cells empty where nothing is known"
        )
    return np.array([said[cell] for cell in cells], np.float32)


def one_against_rest(cells: Sequence[str], values: Sequence[str]) -> np.ndarray:
    """A column for each value that cells may have, float32 ``(N, V)``; unknown where one is empty.

    Raises:
        KeyError: If a cell has another.
    """
    rows = {value: np.eye(len(values), dtype=np.float32)[i] for i, value in enumerate(values)}
    rows[""] = np.full(len(values), UNKNOWN)
    return np.stack([rows[cell] for cell in cells])


def _number(cell: str) -> float | None:
    if cell.lower() in (*YES, *NO):
        return float(cell.lower() in YES)
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if number in (0, 1, -1) else None
