"""Reads data sets in COCO's format: one JSON file beside a folder of images."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backbone.errors import InputError
from tasks.common.labels import LabelMap
from tasks.detection.annotations import (
    BAD_BOX_POLICIES,
    Annotations,
    WrittenBoxes,
    check_boxes,
    check_file_name,
    check_policy,
    counted,
    start_offsets,
)

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


def read_coco(
    annotation_file: str | Path, image_folder: str | Path, *, on_bad_box: str = "error"
) -> Annotations:
    """Reads a COCO annotation file; the images themselves are not opened.

    Classes come in the order of their category ids. Missing crowd flags count as 0 and missing
    areas as those of the boxes. Annotation id 0, which COCO's evaluators take for "no match", is
    replaced by an unused one. Each of these is noted.

    Args:
        annotation_file: JSON with the sections ``images``, ``annotations`` and ``categories``.
        image_folder: The folder that each ``file_name`` is relative to.
        on_bad_box: See ``check_boxes``.

    Raises:
        InputError: If a file, section, key or reference is missing, malformed or repeated, naming
            the file and the id.
    """
    check_policy("data.on_bad_box", on_bad_box, allowed=BAD_BOX_POLICIES)
    source, folder = Path(annotation_file), Path(image_folder)
    if not folder.is_dir():
        raise InputError(f"No image folder at {folder}. {WAYS_OUT}")
    sections = _parse(source)
    label_map = _read_categories(sections.pop("categories"))
    images = _read_images(sections.pop("images"))
    boxes, written, notes = _read_annotations(
        sections.pop("annotations"), image_ids=images["image_ids"], label_map=label_map
    )
    annotations = Annotations(**images, **boxes, label_map=label_map, folder=folder, notes=notes)
    checked = check_boxes(annotations, written=written, on_bad_box=on_bad_box)
    return _renumber_zero(checked, source=source)


def _parse(source: Path) -> dict[str, Section]:
    try:
        text = source.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"No annotation file at {source}. {WAYS_OUT}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as text: {error}") from error
    try:
        # Outlines are most of a COCO file; dropping each as it is parsed saves gigabytes.
        content = json.loads(text, object_hook=_without_outline)
    except json.JSONDecodeError as error:
        raise InputError(f"{source} {_json_problem(error)}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source} is not usable JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{source} holds JSON of type {type(content).__name__}, not an object of sections"
        )
    return {name: _section(content, name, source=source) for name in SECTIONS}


def _without_outline(entry: Entry) -> Entry:
    entry.pop("segmentation", None)
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


def _read_categories(section: Section) -> LabelMap:
    if not section.entries:
        raise InputError(f"{section.source} has no categories")
    ids = _ids(section)
    names = section.column("name")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise section.refuse(index, f"has the name {name!r}, which must be text")
    order = np.argsort(ids)
    try:
        return LabelMap(tuple(names[i] for i in order), tuple(ids[order].tolist()))
    except InputError as error:
        raise InputError(f"{section.source}: {error}") from error


def _read_images(section: Section) -> dict[str, np.ndarray]:
    if not section.entries:
        raise InputError(f"{section.source} has no images")
    image_ids = _ids(section)
    names = section.column("file_name")
    for image_id, name in zip(image_ids, names, strict=True):
        check_file_name(name, source=f"{section.source}: image {image_id}")
    sizes = np.stack([_whole_numbers(section, key) for key in ("width", "height")], axis=1)
    for index in np.flatnonzero((sizes <= 0).any(axis=1)):
        raise section.refuse(int(index), f"has the size {sizes[index, 0]}x{sizes[index, 1]}")
    return {"image_ids": image_ids, "file_names": np.array(names), "sizes": sizes}


def _read_annotations(
    section: Section, *, image_ids: np.ndarray, label_map: LabelMap
) -> tuple[dict[str, np.ndarray], WrittenBoxes, tuple[str, ...]]:
    """The columns of ``Annotations``, sorted by image, and the same boxes as written."""
    ids = _ids(section)
    images = _indices(section, "image_id", image_ids)
    classes = _indices(section, "category_id", np.array(label_map.ids))
    order = np.argsort(images, kind="stable")
    written = _written_boxes(section, order)
    columns = {
        "boxes": _to_corners(written.values),
        "classes": classes[order],
        "crowd": _crowd_flags(section)[order],
        "areas": _areas(section)[order],
        "annotation_ids": ids[order],
        "offsets": start_offsets(np.bincount(images, minlength=len(image_ids))),
    }
    return columns, written, _notes(section, columns)


def _whole_numbers(section: Section, key: str) -> np.ndarray:
    values = section.column(key)
    for index, value in enumerate(values):
        if type(value) is not int or not -LARGEST_WHOLE < value < LARGEST_WHOLE:
            found = f"{value!r:.80}" if key in section.entries[index] else "nothing"
            raise section.refuse(index, f"has {found} as {key}, which must be a whole number")
    return np.array(values, np.int64)


def _ids(section: Section) -> np.ndarray:
    ids = _whole_numbers(section, "id")
    unique, counts = np.unique(ids, return_counts=True)
    repeated = unique[counts > 1]
    if len(repeated):
        others = f" and {len(repeated) - 1} other ids" if len(repeated) > 1 else ""
        raise InputError(
            f"{section.source}: {section.name} has the id {repeated[0]}{others} more than once"
        )
    return ids


def _indices(section: Section, key: str, known: np.ndarray) -> np.ndarray:
    """Where each entry's reference is among the known ids."""
    values = _whole_numbers(section, key)
    order = np.argsort(known)
    indices = order[np.searchsorted(known[order], values).clip(max=len(known) - 1)]
    dangling = np.flatnonzero(known[indices] != values)
    if len(dangling):
        more = counted(len(dangling) - 1, "other does", "others do")
        others = f"; {more} likewise" if len(dangling) > 1 else ""
        problem = f"refers to {key} {values[dangling[0]]}, which the file does not have{others}"
        raise section.refuse(dangling[0], problem)
    return indices


def _is_number(value: Any) -> bool:
    # Not isinstance: true and false are ints too.
    return type(value) is float or (type(value) is int and -LARGEST_WHOLE < value < LARGEST_WHOLE)


def _written_boxes(section: Section, order: np.ndarray) -> WrittenBoxes:
    boxes = section.column("bbox")
    rows, malformed = [], {}
    for row, index in enumerate(order):
        box = boxes[index]
        if type(box) is list and len(box) == 4 and all(map(_is_number, box)):
            rows.append(box)
        else:
            rows.append([np.nan] * 4)
            malformed[row] = f"{box!r:.80}"
    values = np.array(rows, np.float64).reshape(-1, 4)
    return WrittenBoxes(section.source, "x, y, width, height", values, malformed)


def _to_corners(boxes_xywh: np.ndarray) -> np.ndarray:
    start, extent = boxes_xywh[:, :2], boxes_xywh[:, 2:]
    with np.errstate(invalid="ignore"):  # infinity minus infinity, found out by check_boxes
        return np.concatenate([start, start + extent], axis=1)


def _crowd_flags(section: Section) -> np.ndarray:
    values = section.column("iscrowd")
    for index, value in enumerate(values):
        if value not in (0, 1, None):
            raise section.refuse(index, f"has {value!r:.80} as iscrowd, which must be 0 or 1")
    return np.array(values, bool)


def _areas(section: Section) -> np.ndarray:
    """The areas given, NaN where there is none that can be one."""
    values = [value if _is_number(value) else np.nan for value in section.column("area")]
    areas = np.array(values, np.float64)
    return np.where(np.isfinite(areas) & (areas >= 0), areas, np.nan)


def _notes(section: Section, columns: dict[str, np.ndarray]) -> tuple[str, ...]:
    total, where = len(section.entries), f"in {section.source}"
    crowd, areas = columns["crowd"], columns["areas"]
    no_flag = sum(value is None for value in section.column("iscrowd"))
    no_area = int(np.isnan(areas).sum())
    notes = {
        f"no annotations {where}: there is nothing to detect": total == 0,
        f"only crowd regions {where}: there is nothing to learn from": total and crowd.all(),
        f"{counted(no_flag, 'crowd flag', 'crowd flags')} missing {where}, taken as 0": no_flag,
        f"{counted(no_area, 'area', 'areas')} missing {where}, taken from the box": no_area,
    }
    return tuple(note for note, applies in notes.items() if applies)


def _renumber_zero(annotations: Annotations, *, source: Path) -> Annotations:
    zero = annotations.annotation_ids == 0
    if not zero.any():
        return annotations
    unused = max(int(annotations.annotation_ids.max()), 0) + 1
    ids = np.where(zero, unused, annotations.annotation_ids)
    note = f"1 annotation id changed in {source}: 0 to {unused}, as COCO's evaluators lose id 0"
    return replace(annotations, annotation_ids=ids).with_notes([note])
