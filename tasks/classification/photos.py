"""The photos of a classification data set, each with its class, in arrays."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.bad_images import find_bad_images, skipped
from tasks.common.images import SUFFIXES, check_image, list_images, read_image
from tasks.common.labels import LabelMap


@dataclass(frozen=True, eq=False)
class Photos:
    """``N`` photos with a class each.

    Arrays throughout: Python objects per photo would be copied, page by page, into every worker.

    Attributes:
        folder: Where they are.
        file_names: Relative to it, as bytes, which take a quarter of the memory, ``(N,)``.
        classes: Index into ``label_map``, int64 ``(N,)``.
        label_map: The classes; not all of them need have photos here.
        notes: What was skipped: how many, then a colon and which.
    """

    folder: Path
    file_names: np.ndarray
    classes: np.ndarray
    label_map: LabelMap
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.classes)

    def path(self, index: int) -> Path:
        """The file of a photo."""
        return self.folder / os.fsdecode(self.file_names[index])


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
    names = [os.fsencode(path.relative_to(folder)) for path in paths]
    return Photos(folder, np.array(names), np.array(classes, np.int64), label_map)


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
    """The names of all folders in any of these, sorted; hidden ones are left out."""
    names = {
        entry.name
        for folder in folders
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    }
    return sorted(names)


def check_photos(photos: Photos, *, on_bad_image: str) -> Photos:
    """Checks that every photo can be read.

    Args:
        photos: The photos to check.
        on_bad_image: ``error``, which looks at the beginning and end of each file, or ``skip``,
            which decodes each one, so that none can fail later, and leaves out the bad ones.

    Raises:
        InputError: If photos are bad under ``error``, or no good one is left.
    """
    check = read_image if on_bad_image == "skip" else check_image

    def problem(index: int) -> str | None:
        try:
            check(photos.path(index))
        except InputError as error:
            return str(error)
        return None

    bad = find_bad_images(problem, len(photos), folder=photos.folder, on_bad_image=on_bad_image)
    if not bad:
        return photos
    kept = np.delete(np.arange(len(photos)), list(bad))
    return replace(
        photos,
        file_names=photos.file_names[kept],
        classes=photos.classes[kept],
        notes=(*photos.notes, *skipped(bad)),
    )
