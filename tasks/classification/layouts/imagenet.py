"""ImageNet's thousand classes and the folders they are in."""

import re
from collections.abc import Sequence
from pathlib import Path

from timm.data import ImageNetInfo

from backbone.class_names import imagenet_names
from backbone.errors import InputError
from tasks.classification.data import ClassificationData
from tasks.classification.layouts.class_folders import (
    class_folders,
    make_photos,
    read_class_folders,
)
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tasks.common.images.finding import find_images


def wnids() -> list[str]:
    """The WordNet ids of the thousand classes, which name their folders, in ImageNet's order."""
    return list(ImageNetInfo("imagenet-1k").label_names())


def imagenet_label_map() -> LabelMap:
    """All thousand classes, named as imported classifiers name them; the id is the index."""
    names = imagenet_names()
    return LabelMap(tuple(names), tuple(range(len(names))))


def folder_classes(folders: Sequence[str]) -> tuple[list[str], LabelMap]:
    """The folder and the name of each class.

    Args:
        folders: The class folders there are. If all are WordNet ids of ImageNet's classes, the
            classes are all thousand of them, with or without a folder; otherwise a class is called
            as its folder.
    """
    known = wnids()
    if folders and set(folders) <= set(known):
        return known, imagenet_label_map()
    return list(folders), LabelMap(tuple(folders), tuple(range(len(folders))))


class ImageNetData(ClassificationData):
    """``train`` and ``val`` with a folder for each class, by WordNet id or by any other name."""

    layout = "train/ and val/, each with a folder of photos for every class"

    def read(self, split: str) -> Photos:
        root = self.folder()
        names, label_map = folder_classes(class_folders(root / "train", root / "val"))
        return read_class_folders(root / split, names, label_map=label_map)


class NumberedPhotos(ClassificationData):
    """A folder of photos whose names start with the number of their ImageNet class, to score."""

    layout = "photos whose names start with the number of their class, such as 281_tabby.jpg"

    def read(self, split: str) -> Photos:
        if split == "train":
            raise InputError("data=numbered is for scoring: train with data=imagenet")
        folder = self.folder()
        paths = find_images(folder)
        label_map = imagenet_label_map()
        classes = [_class_number(path, len(label_map)) for path in paths]
        return make_photos(folder, paths, classes, label_map=label_map)


def _class_number(path: Path, num_classes: int) -> int:
    number = re.match(r"\d+", path.name)
    if number is None or int(number[0]) >= num_classes:
        raise InputError(f"{path}: the name must start with the number of a class, 0 to 999")
    return int(number[0])
