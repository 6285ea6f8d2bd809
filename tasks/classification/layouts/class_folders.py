"""Photos in a folder for each class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos, relative_names
from tasks.common.images.finding import SUFFIXES, is_aside, list_images


def make_photos(
    folder: Path, paths: Sequence[Path], classes: Sequence[int], *, label_map: LabelMap
) -> Photos:
    """Photos from a list.

    Args:
        folder: That all of them are in.
        paths: The files.
        classes: The class of each.
        label_map: The classes.

    Raises:
        InputError: If there are none.
    """
    if not paths:
        raise InputError(
            f"No images in the class folders of {folder}; looked for names ending in "
            f"{', '.join(SUFFIXES)}"
        )
    names = relative_names(folder, paths)
    return Photos(folder, names, np.array(classes, np.int64), label_map)


def read_class_folders(folder: Path, names: Sequence[str], *, label_map: LabelMap) -> Photos:
    """Photos in a folder for each class; of a class without a folder there are none.

    Args:
        folder: Has the class folders.
        names: Of the class folders, in the order of ``label_map``.
        label_map: The classes.
    """
    found = [list_images(folder / name) for name in names]
    paths = [path for photos in found for path in photos]
    classes = [label for label, photos in enumerate(found) for _ in photos]
    return make_photos(folder, paths, classes, label_map=label_map)


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
