"""Photos in a folder for each class."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos, relative_names
from tasks.common.images.finding import SUFFIXES, is_aside, is_image_name, others_line, photos_in
from tasks.common.report import counted


def make_photos(
    folder: Path,
    paths: Sequence[Path],
    classes: Sequence[int],
    *,
    label_map: LabelMap,
    notes: Sequence[str] = (),
) -> Photos:
    """Photos from a list.

    Args:
        folder: That all of them are in.
        paths: The files.
        classes: The class of each.
        label_map: The classes.
        notes: What is to be said of them.

    Raises:
        InputError: If there are none.
    """
    if not paths:
        raise nothing_in(folder)
    names = relative_names(folder, paths)
    return Photos(folder, names, np.array(classes, np.int64), label_map, tuple(notes))


def nothing_in(folder: Path) -> InputError:
    """What to say of a folder without photos in class folders."""
    if loose := loose_photos(folder):
        return InputError(
            f"{counted(len(loose), 'photo lies', 'photos lie')} in {folder} itself, such as "
            f"{loose[0].name}, and none in a class folder. Move each to {folder}/CLASS/, or list "
            "them in a table with the columns file and label, for data=table"
        )
    return InputError(
        f"No images in the class folders of {folder}; looked for names ending in "
        f"{', '.join(SUFFIXES)}"
    )


def read_class_folders(folder: Path, names: Sequence[str], *, label_map: LabelMap) -> Photos:
    """Photos in a folder for each class; of a class without a folder there are none.

    Photos in no class folder are told, and so are folders of photos in one, and other files.

    Args:
        folder: Has the class folders.
        names: Of the class folders, in the order of ``label_map``.
        label_map: The classes.
    """
    inside = [photos_in(folder / name) for name in names]
    found = [list(some.photos) for some in inside]
    others = sum((some.others for some in inside), Counter[str]())
    paths = [path for photos in found for path in photos]
    classes = [label for label, photos in enumerate(found) for _ in photos]
    notes = [
        *_loose_note(folder),
        *_nested_note(folder, names, found),
        *others_line(others, beside=len(paths)),
    ]
    return make_photos(folder, paths, classes, label_map=label_map, notes=notes)


def loose_photos(folder: Path) -> list[Path]:
    """The photos in a folder itself, sorted."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in inside if is_image_name(path) and path.is_file()]


def _loose_note(folder: Path) -> list[str]:
    loose = [path.name for path in loose_photos(folder)]
    number = counted(len(loose), "photo", "photos")
    return [f"{number} left out, in no class folder: {', '.join(loose)}"] if loose else []


def _nested_note(folder: Path, names: Sequence[str], found: Sequence[Sequence[Path]]) -> list[str]:
    """Which classes have their photos in several folders, which may be the classes."""
    nested = []
    for name, photos in zip(names, found, strict=True):
        depth = len((folder / name).parts)
        below = sorted({path.parts[depth] for path in photos if len(path.parts) > depth + 1})
        if len(below) > 1:
            nested.append(f"{name} ({', '.join(below)})")
    if not nested:
        return []
    number = counted(len(nested), "class has", "classes have")
    return [f"{number} photos in folders of folders, all of one class: {', '.join(nested)}"]


def class_folders(*folders: Path) -> list[str]:
    """The names of all folders in any of these, sorted; hidden ones and systems' are left out."""
    names = {
        entry.name
        for folder in folders
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.is_dir() and not is_aside(entry)
    }
    return sorted(names)
