"""The sections of a COCO file as columns: photos, classes, ids of objects."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.report import counted
from tasks.detection.annotations.class_names import clean_name, near_names
from tasks.detection.annotations.photo_files import find_photos, folder_of, measure
from tasks.detection.layouts.coco_numbers import (
    Key,
    check_unique,
    key_of,
    keys_of,
    sides,
    whole_numbers,
)
from tasks.detection.layouts.coco_sections import Section

BACKGROUNDS = ("background", "__background__", "_background_")


class Photos(NamedTuple):
    """The section ``images``.

    Attributes:
        keys: What annotations refer to.
        columns: Those of ``Annotations``: ``image_ids`` as the file has them, ``file_names``,
            ``sizes``.
        folder: That the names are relative to.
        notes: What was mended.
    """

    keys: list[Key]
    columns: dict[str, np.ndarray]
    folder: Path
    notes: list[str]


def read_photos(section: Section, folders: Sequence[Path], *, exif: str) -> Photos:
    """Finds the files of all photos, in the one of the folders that has them.

    Args:
        section: ``images``.
        folders: Those that may have them.
        exif: See ``measure``.

    Raises:
        InputError: If there are none, or one has no id, or a name or size that cannot be.
    """
    if not section.entries:
        raise InputError(f"{section.source} has no images")
    keys, _ = keys_of(section, "id")
    check_unique(section, keys)
    written = section.column("id")
    of_one_kind = {*map(type, written)} in ({int}, {str})
    names = section.column("file_name")
    folder = folder_of(names, folders)
    files, notes = find_photos(names, folder, ids=keys, source=section.source)
    given = np.stack([sides(section, key) for key in ("width", "height")], axis=1)
    unknown = int((given == 0).any(axis=1).sum())
    if unknown:
        total = counted(unknown, "photo", "photos")
        notes.append(f"{total} without width and height in {section.source}, measured instead")
    columns = {
        "image_ids": np.array(written if of_one_kind else keys),
        "file_names": np.array(files),
        "sizes": measure(given, [folder / file for file in files], exif=exif),
    }
    return Photos(keys, columns, folder, notes)


def read_classes(section: Section, *, used: set[Key | None]) -> tuple[LabelMap, list[str]]:
    """The classes in the order of their ids, and notes.

    Left out is what is no class: a category without objects that is another's supercategory, as
    Roboflow writes its project, or is called background.

    Args:
        section: ``categories``.
        used: The categories of all annotations.

    Raises:
        InputError: If there are none, or an id or name is missing or there twice.
    """
    if not section.entries:
        raise InputError(f"{section.source} has no categories")
    ids, notes = whole_numbers(section, "id")
    check_unique(section, ids.tolist())
    names = []
    for index, name in enumerate(section.column("name")):
        if not isinstance(name, str):
            raise section.refuse(index, f"has the name {name!r}, which must be text")
        names.append(clean_name(name, source=f"{section.source}: {section.name}[{index}]"))
    groups = Counter(str(group).strip() for group in section.column("supercategory"))
    for name, own in zip(names, section.column("supercategory"), strict=True):
        groups[name] -= str(own).strip() == name
    empty = [
        index
        for index, name in enumerate(names)
        if ids[index] not in used and (groups[name] > 0 or name.lower() in BACKGROUNDS)
    ]
    if len(empty) == len(names):
        empty = []
    if empty:
        left_out = ", ".join(repr(names[index]) for index in empty)
        notes.append(
            f"{counted(len(empty), 'category', 'categories')} left out in {section.source}, "
            f"without objects and only others' supercategory or background: {left_out}"
        )
    order = [index for index in np.argsort(ids) if index not in empty]
    try:
        labels = LabelMap(tuple(names[i] for i in order), tuple(ids[order].tolist()))
    except InputError as error:
        raise InputError(f"{section.source}: {error}") from error
    return labels, [*notes, *near_names(labels.names)]


def used_categories(section: Section) -> set[Key | None]:
    """The categories that annotations refer to."""
    return set(map(key_of, section.column("category_id")))


def annotation_ids(section: Section) -> tuple[np.ndarray, list[str]]:
    """The ids of objects, int64; their numbers, noted, where there are none or they are text.

    Raises:
        InputError: If one is there twice, or is missing while others have one.
    """
    total = len(section.entries)
    if total and not any("id" in entry for entry in section.entries):
        note = f"{counted(total, 'annotation', 'annotations')} without id in {section.source}"
        return np.arange(1, total + 1), [f"{note}: numbered from 1"]
    keys, _ = keys_of(section, "id")
    check_unique(section, keys)
    if any(isinstance(key, str) for key in keys):
        note = f"ids of annotations that are no numbers in {section.source}"
        return np.arange(1, total + 1), [f"{note}: numbered from 1 in messages"]
    return np.array(keys, np.int64), []
