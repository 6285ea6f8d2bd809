"""Reads YOLO's label files: a line an object, in shares of the photo."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.detection.layouts.assembling import Thing, extent

BOX_VALUES = 5  # class, then x and y of the centre, width and height
LEAST_OF_AN_OUTLINE = 7  # class, then three points


def read_labels(source: Path, names: Mapping[int, str], *, keypoints: bool = False) -> list[Thing]:
    """The objects of a label file.

    Args:
        source: The file.
        names: Of the classes; where it is empty, their numbers are.
        keypoints: Whether points of a pose follow each box.

    Raises:
        InputError: If a line is neither a box nor a polygon, or of an unknown class.
    """
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as text: {error}") from error
    things = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            values = _numbers(line, where=f"{source}, line {number}")
            if keypoints:
                values = values[:BOX_VALUES]
            things.append(_thing(values, names, where=f"{source}, line {number}: {line.strip()!r}"))
    return things


def _numbers(line: str, *, where: str) -> list[float]:
    try:
        return [float(value) for value in line.split()]
    except ValueError as error:
        raise InputError(f"{where}: {line.strip()!r:.80} is not numbers, as YOLO has") from error


def _thing(values: list[float], names: Mapping[int, str], *, where: str) -> Thing:
    name = _name(values[0], names, where=where)
    if len(values) == BOX_VALUES:
        x, y, width, height = values[1:]
        return Thing(name, [x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    if len(values) >= LEAST_OF_AN_OUTLINE and len(values) % 2:
        return Thing(name, extent(values[1:]), [values[1:]])
    raise InputError(
        f"{where} has {len(values)} numbers: a box has 5 (class, x and y of the centre, width, "
        "height, as shares of the photo), an outline the class and x, y of three points or more"
    )


def _name(value: float, names: Mapping[int, str], *, where: str) -> str:
    if not np.isfinite(value) or value != int(value) or value < 0:
        raise InputError(f"{where} begins with {value:g}, which is no number of a class")
    if names and int(value) not in names:
        known = ", ".join(f"{number} {name}" for number, name in list(names.items())[:10])
        raise InputError(f"{where} is of class {value:g}; the classes are {known}")
    return names.get(int(value), str(int(value)))
