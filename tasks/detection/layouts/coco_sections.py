"""The sections of a COCO file: lists of entries, and their columns of numbers."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from backbone.errors import InputError
from tasks.detection.layouts.segmentations import Segmentation, parse_segmentation

SECTIONS = ("images", "annotations", "categories")
WAYS_OUT = (
    "Set data.root to a folder in COCO's layout (annotations/instances_train2017.json beside "
    "train2017/), or name both with data.train_annotations= and data.train_images= (data.val_... "
    "for validation), or try data=demo"
)
LARGEST_WHOLE = 2**53  # beyond it float64 skips whole numbers; no id or coordinate comes near
FROM_OUTLINE = "box from the outline"  # marks an entry whose box was missing

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
    _check_sections(content, source=source)
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
    outline = entry.pop("segmentation", None)
    if outline and not entry.get("bbox", None):
        _give_box(entry, parse_segmentation(outline))
    return entry


def _compact(entry: Entry) -> Entry:
    if "segmentation" in entry:
        outline = entry["segmentation"] = parse_segmentation(entry["segmentation"])
        if not entry.get("bbox", None):
            _give_box(entry, outline)
    return entry


def _give_box(entry: Entry, outline: Segmentation) -> None:
    """Makes a missing box from the extent of the outline, if there is sense in that."""
    if not outline.defect:
        entry["bbox"] = outline.extent()
        entry[FROM_OUTLINE] = True


def _json_problem(error: json.JSONDecodeError) -> str:
    text = error.doc.rstrip()
    if not text:
        return "is empty"
    if text[0] in "[{" and (error.pos >= len(text) or error.msg.startswith("Unterminated")):
        return f"is cut short: its JSON ends in the middle of line {text.count(chr(10)) + 1}"
    place = f"line {error.lineno}, column {error.colno}"
    return f"is not JSON: {error.msg} at {place}; it begins with {text[:40]!r}"


def _section(content: dict[str, Any], name: str, *, source: Path) -> Section:
    entries = content[name]
    if not isinstance(entries, list):
        raise InputError(f"{source}: {name} is a {type(entries).__name__}, not a list")
    for index, entry in enumerate(entries):
        if type(entry) is not dict:
            raise InputError(f"{source}: {name}[{index}] is {entry!r:.80}, not an object")
    return Section(source, name, entries)


def _check_sections(content: dict[str, Any], *, source: Path) -> None:
    for name in SECTIONS:
        if name not in content:
            found = ", ".join(map(repr, content)) or "nothing"
            advice = ""
            if name == "annotations" and "images" in content:
                advice = (
                    ". Photos without annotations are neither trained on nor scored: "
                    "tools/predict.py looks for objects in them"
                )
            raise InputError(f"{source} has no section {name!r}; it has {found}{advice}")


def is_number(value: Any) -> bool:
    """Whether a value is a number that float64 can hold."""
    # not isinstance: true and false are ints too
    return type(value) is float or (type(value) is int and -LARGEST_WHOLE < value < LARGEST_WHOLE)
