"""The validation photos of Tiny ImageNet, whose classes are in a list beside them."""

from collections.abc import Sequence
from pathlib import Path

from backbone.errors import InputError
from tasks.classification.layouts.class_folders import make_photos
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tasks.common.files.names import check_file_name

LIST, PHOTOS = "val_annotations.txt", "images"


def has_list(folder: Path) -> bool:
    """Whether a folder of a split has its photos in one folder, and the list."""
    return (folder / LIST).is_file() and (folder / PHOTOS).is_dir()


def listed_classes(folder: Path) -> set[str]:
    """The classes that the list names."""
    return {name for _, name in _rows(folder)}


def read_listed(folder: Path, names: Sequence[str], *, label_map: LabelMap) -> Photos:
    """The photos that the list names.

    Args:
        folder: Has ``images`` and the list: a file, its class and a box, between tabs, in a line.
        names: Of all classes, in the order of ``label_map``.
        label_map: The classes.

    Raises:
        InputError: If a line is no photo and its class.
    """
    rows = _rows(folder)
    number = {name: label for label, name in enumerate(names)}
    paths = [folder / PHOTOS / file for file, _ in rows]
    return make_photos(folder, paths, [number[name] for _, name in rows], label_map=label_map)


def _rows(folder: Path) -> list[tuple[str, str]]:
    rows = []
    for line, row in enumerate((folder / LIST).read_text(encoding="utf-8").splitlines(), start=1):
        file, *rest = row.split("\t")
        if not rest or not rest[0]:
            raise InputError(f"{folder / LIST}: line {line} is no photo and its class: {row!r:.80}")
        check_file_name(file, source=f"{folder / LIST}, line {line}")
        rows.append((file, rest[0]))
    return rows
