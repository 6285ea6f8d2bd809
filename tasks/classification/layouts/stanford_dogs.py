"""Stanford Dogs: a folder for each breed, or the official archives with their lists."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.io import loadmat

from backbone.errors import InputError
from tasks.classification.data import ClassificationData
from tasks.classification.layouts.class_folders import (
    class_folders,
    make_photos,
    read_class_folders,
)
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos

IMAGES = "Images"  # the folder in the archive of photos
LIST_FOLDERS = ("", "lists")  # where the lists are unpacked to


def breed_classes(folders: Sequence[str]) -> LabelMap:
    """Breeds by name: ``n02087046-toy_terrier`` is the toy terrier; the id is the index."""
    names = [re.sub(r"^n\d{8}-", "", folder).replace("_", " ") for folder in folders]
    return LabelMap(tuple(names), tuple(range(len(names))))


def find_list(root: Path, split: str) -> Path | None:
    """The official list of a split, if it is there."""
    paths = [root / folder / f"{split}_list.mat" for folder in LIST_FOLDERS]
    return next((path for path in paths if path.is_file()), None)


def read_official(root: Path, file: Path) -> Photos:
    """The photos that an official list names.

    Args:
        root: Has ``Images/<wnid-breed>/``.
        file: ``train_list.mat`` or ``test_list.mat``.

    Raises:
        InputError: If the list is damaged, or names photos of a breed without a folder.
    """
    folder = root / IMAGES
    breeds = class_folders(folder)
    names = [PurePosixPath(name) for name in _read_list(file)]
    strange = [name for name in names if len(name.parts) != 2 or name.parts[0] not in breeds]
    if strange:
        raise InputError(
            f"{file} names {strange[0]}, which is in none of the {len(breeds)} folders of {folder}"
        )
    classes = [breeds.index(name.parts[0]) for name in names]
    paths = [folder / name for name in names]
    return make_photos(folder, paths, classes, label_map=breed_classes(breeds))


def _read_list(file: Path) -> list[str]:
    """The file names in MATLAB's ``file_list``, a cell array of texts."""
    try:
        cells = loadmat(file, variable_names=["file_list"])["file_list"]
        return [str(np.asarray(cell).item()) for cell in cells.ravel()]
    except Exception as error:  # scipy lets out whatever damaged data made its parser do
        raise InputError(f"{file} is no list of Stanford Dogs: {error!r}") from error


def read_split(root: Path, split: str) -> Photos:
    """The photos of ``train`` or ``test``.

    Args:
        root: In either layout; where there are official lists, they decide.
        split: Its name.
    """
    official = find_list(root, split)
    if official:
        return read_official(root, official)
    folders = class_folders(root / "train", root / "test")
    return read_class_folders(root / split, folders, label_map=breed_classes(folders))


class StanfordDogsData(ClassificationData):
    """``train`` and ``test`` with a folder for each breed, or the official archives."""

    layout = (
        "train/ and test/, each with a folder of photos for every breed, or with the official "
        "Images/, train_list.mat and test_list.mat"
    )
    drawn_from: str | None = "imagenet"

    def read(self, split: str) -> Photos:
        return read_split(self.folder(), "test" if split == "val" else split)
