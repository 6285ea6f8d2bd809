"""Numbers and ids of COCO files, also where they are written as text or with a point."""

import re
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.report import counted
from tasks.detection.layouts.coco_sections import LARGEST_WHOLE, Section

DIGITS = re.compile(r"\s*-?\d{1,15}\s*")

Key = int | str  # what ids are compared by: 7 is 7.0, '7' and '007', and any other text is itself


def key_of(value: Any) -> Key | None:
    """An id as it is compared; None if it can be none."""
    if type(value) is int:
        return value if -LARGEST_WHOLE < value < LARGEST_WHOLE else None
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) < LARGEST_WHOLE else None
    if type(value) is str:
        return int(value) if DIGITS.fullmatch(value) else value.strip() or None
    return None


def keys_of(section: Section, key: str) -> tuple[list[Key], list[str]]:
    """A column of ids, and a note on those that are numbers written otherwise.

    Raises:
        InputError: At the first entry that has none.
    """
    values = section.column(key)
    if set(map(type, values)) == {int} and max(map(abs, values)) < LARGEST_WHOLE:
        return values, []
    keys = [key_of(value) for value in values]
    for index, found in enumerate(keys):
        if found is None:
            raise _no_number(section, index, key)
    odd = [value for value in values if type(value) is not int and isinstance(key_of(value), int)]
    if not odd:
        return keys, []  # type: ignore[return-value]  # None is refused above
    total = counted(len(odd), f"{key} is", f"{key}s are")
    note = f"{total} no whole numbers in {section.name} of {section.source}, such as {odd[0]!r}"
    return keys, [f"{note}: taken as such"]  # type: ignore[return-value]


def whole_numbers(section: Section, key: str) -> tuple[np.ndarray, list[str]]:
    """A column of int64, and a note on those written otherwise.

    Raises:
        InputError: At the first entry without a whole number.
    """
    keys, notes = keys_of(section, key)
    for index, value in enumerate(keys):
        if isinstance(value, str):
            raise _no_number(section, index, key)
    return np.array(keys, np.int64), notes


def sides(section: Section, key: str) -> np.ndarray:
    """Widths or heights, int64; 0 where they are missing.

    Raises:
        InputError: At the first entry with something else than a whole number from 0 on.
    """
    values = [value or 0 for value in section.column(key)]
    keys = [key_of(value) for value in values]
    for index, value in enumerate(keys):
        if not isinstance(value, int) or type(values[index]) is bool:
            raise _no_number(section, index, key)
        if value < 0:
            entry = section.entries[index]
            size = f"{entry.get('width')}x{entry.get('height')}"
            raise section.refuse(index, f"has the size {size}")
    return np.array(keys, np.int64)


def check_unique(section: Section, keys: list[Key]) -> None:
    """Raises an InputError if an id is there twice."""
    if len(set(keys)) == len(keys):
        return
    seen: set[Key] = set()
    repeated = sorted({key for key in keys if key in seen or seen.add(key)}, key=str)  # type: ignore[func-returns-value]
    others = f" and {len(repeated) - 1} other ids" if len(repeated) > 1 else ""
    raise InputError(
        f"{section.source}: {section.name} has the id {repeated[0]}{others} more than once"
    )


def indices_of(section: Section, key: str, known: list[Key]) -> tuple[np.ndarray, list[str]]:
    """Where each entry's reference is among the known ids, int64, and notes.

    Raises:
        InputError: If it is not among them.
    """
    keys, notes = keys_of(section, key)
    place = {known_key: index for index, known_key in enumerate(known)}
    indices = np.array([place.get(value, -1) for value in keys], np.int64)
    dangling = np.flatnonzero(indices < 0)
    if len(dangling):
        more = counted(len(dangling) - 1, "other does", "others do")
        others = f"; {more} likewise" if len(dangling) > 1 else ""
        problem = f"refers to {key} {keys[dangling[0]]}, which the file does not have{others}"
        raise section.refuse(int(dangling[0]), problem)
    return indices, notes


def _no_number(section: Section, index: int, key: str) -> InputError:
    entry = section.entries[index]
    found = f"{entry[key]!r:.80}" if key in entry else "nothing"
    return section.refuse(index, f"has {found} as {key}, which must be a whole number")
