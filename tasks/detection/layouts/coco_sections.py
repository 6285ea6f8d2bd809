"""The sections of a COCO file: lists of entries, and their columns of numbers."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backbone.errors import InputError
from tasks.common.report import counted
from tasks.detection.layouts.segmentations import parse_segmentation

SECTIONS = ("images", "annotations", "categories")
WAYS_OUT = (
    "Set data.root to a folder in COCO's layout (annotations/instances_train2017.json beside "
    "train2017/), or name both with data.train_annotations= and data.train_images= (data.val_... "
    "for validation), or try data=demo"
)
LARGEST_WHOLE = 2**53  # beyond it float64 skips whole numbers; no id or coordinate comes near

Entry = dict[str, Any]


class Section(NamedTuple):
    """One list of a COCO file, with what its messages need."""

    source: Path
    name: str
    entries: list[Entry]

    def refuse(self, index: int, problem: str) -> InputError:
        """The error for an entry, named by its place and id."""
        identity = repr(self.entries[index].get("id", "missing"))
        return InputError(f"{self.source}: {self.name}[{index}] (id {identity}) {problem}")

    def column(self, key: str) -> list[Any]:
        """One value per entry, None where it is missing."""
        return [entry.get(key) for entry in self.entries]


def read_sections(source: Path, *, masks: bool) -> dict[str, Section]:
    """Parses a file; of outlines it keeps the numbers, or nothing.

    Raises:
        InputError: If it is missing, no JSON, or lacks one of ``SECTIONS``.
    """
    try:
        text = source.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"No annotation file at {source}. {WAYS_OUT}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as text: {error}") from error
    try:
        # Outlines are most of a COCO file; dropping each as it is parsed, or keeping bare numbers,
        # saves gigabytes.
        with _collecting_nothing():
            content = json.loads(text, object_hook=_compact if masks else _without_outline)
    except json.JSONDecodeError as error:
        raise InputError(f"{source} {_json_problem(error)}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source} is not usable JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{source} holds JSON of type {type(content).__name__}, not an object of sections"
        )
    return {name: _section(content, name, source=source) for name in SECTIONS}


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Keeps Python from searching millions of new objects for cycles, which JSON cannot have."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _without_outline(entry: Entry) -> Entry:
    entry.pop("segmentation", None)
    return entry


def _compact(entry: Entry) -> Entry:
    if "segmentation" in entry:
        entry["segmentation"] = parse_segmentation(entry["segmentation"])
    return entry


def _json_problem(error: json.JSONDecodeError) -> str:
    text = error.doc.rstrip()
    if not text:
        return "is empty"
    if text[0] in "[{" and (error.pos >= len(text) or error.msg.startswith("Unterminated")):
        return f"is cut short: its JSON ends in the middle of line {text.count(chr(10)) + 1}"
    place = f"line {error.lineno}, column {error.colno}"
    return f"is not JSON: {error.msg} at {place}; it begins with {text[:40]!r}"


def _section(content: dict[str, Any], name: str, *, source: Path) -> Section:
    if name not in content:
        found = ", ".join(map(repr, content)) or "nothing"
        raise InputError(f"{source} has no section {name!r}; it has {found}")
    entries = content.pop(name)
    if not isinstance(entries, list):
        raise InputError(f"{source}: {name} is a {type(entries).__name__}, not a list")
    for index, entry in enumerate(entries):
        if type(entry) is not dict:
            raise InputError(f"{source}: {name}[{index}] is {entry!r:.80}, not an object")
    return Section(source, name, entries)


def whole_numbers(section: Section, key: str) -> np.ndarray:
    """A column of int64; raises an InputError at the first entry without a whole number."""
    values = section.column(key)
    for index, value in enumerate(values):
        if type(value) is not int or not -LARGEST_WHOLE < value < LARGEST_WHOLE:
            found = f"{value!r:.80}" if key in section.entries[index] else "nothing"
            raise section.refuse(index, f"has {found} as {key}, which must be a whole number")
    return np.array(values, np.int64)


def read_ids(section: Section) -> np.ndarray:
    """The ids, int64; raises an InputError if one is there twice."""
    ids = whole_numbers(section, "id")
    unique, counts = np.unique(ids, return_counts=True)
    repeated = unique[counts > 1]
    if len(repeated):
        others = f" and {len(repeated) - 1} other ids" if len(repeated) > 1 else ""
        raise InputError(
            f"{section.source}: {section.name} has the id {repeated[0]}{others} more than once"
        )
    return ids


def read_indices(section: Section, key: str, known: np.ndarray) -> np.ndarray:
    """Where each entry's reference is among the known ids; raises an InputError if it is not."""
    values = whole_numbers(section, key)
    order = np.argsort(known)
    indices = order[np.searchsorted(known[order], values).clip(max=len(known) - 1)]
    dangling = np.flatnonzero(known[indices] != values)
    if len(dangling):
        more = counted(len(dangling) - 1, "other does", "others do")
        others = f"; {more} likewise" if len(dangling) > 1 else ""
        problem = f"refers to {key} {values[dangling[0]]}, which the file does not have{others}"
        raise section.refuse(dangling[0], problem)
    return indices


def is_number(value: Any) -> bool:
    """Whether a value is a number that float64 can hold."""
    # not isinstance: true and false are ints too
    return type(value) is float or (type(value) is int and -LARGEST_WHOLE < value < LARGEST_WHOLE)
