"""ImageNet's thousand classes and the folders they are in."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backbone.class_names import imagenet_names
from backbone.errors import InputError
from tasks.classification.data import ClassificationData
from tasks.classification.layouts.class_folders import (
    class_folders,
    make_photos,
    read_class_folders,
)
from tasks.classification.layouts.split_folders import check_splits, find_splits
from tasks.classification.layouts.tiny_imagenet import has_list, listed_classes, read_listed
from tasks.common.data.held_out import share_of
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tasks.common.images.finding import find_images


def wnids() -> list[str]:
    """The WordNet ids of the thousand classes, which name their folders, in ImageNet's order."""
    from timm.data import ImageNetInfo  # seconds that predictions are spared

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


def _classes(folders: Sequence[Path]) -> list[str]:
    """The names of the classes in any of the folders of splits."""
    listed = [name for folder in folders if has_list(folder) for name in listed_classes(folder)]
    in_folders = class_folders(*(folder for folder in folders if not has_list(folder)))
    return sorted({*listed, *in_folders})


class ImageNetData(ClassificationData):
    """``train`` and ``val`` with a folder for each class, by WordNet id or by any other name.

    Args:
        val_share: Of the photos, about, to validate on where there is no folder for it; None where
            there is one.
        group: What of them stays together then; see ``held_out``.
        **classification: See ``ClassificationData``.
    """

    layout = "train/ and val/, each with a folder of photos for every class"

    def __init__(
        self, *, val_share: float | None = None, group: str | None = None, **classification: Any
    ) -> None:
        super().__init__(**classification)
        self.val_share = val_share
        self.group = group

    def read(self, split: str) -> Photos:
        root = self.folder()
        splits = find_splits(root)
        check_splits(root, splits, split, val_share=self.val_share)
        if self.val_share is not None:
            return self._shared_out(splits.train or root, split)
        there = {name: folder for name, folder in splits._asdict().items() if folder}
        names, label_map = folder_classes(_classes(list(there.values())))
        read = read_listed if has_list(there[split]) else read_class_folders
        return read(there[split], names, label_map=label_map)

    def _shared_out(self, folder: Path, split: str) -> Photos:
        assert self.val_share is not None
        names, label_map = folder_classes(class_folders(folder))
        photos = read_class_folders(folder, names, label_map=label_map)
        return share_of(photos, split, self.val_share, group=self.group)


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
