"""Photos of dogs from the web, in a folder for each category that they were found under."""

import zlib
from typing import Any

import numpy as np

from backbone.errors import InputError, check_number
from tasks.classification.cleaning.choosing import MARKER
from tasks.classification.data import ClassificationData
from tasks.classification.layouts.class_folders import class_folders, read_class_folders
from tasks.classification.layouts.stanford_dogs import breed_classes
from tasks.common.data.photos import Photos


class NoisyDogsData(ClassificationData):
    """A folder of photos for each category, with a share of them held out for validation.

    Categories are called as Stanford Dogs calls its breeds, so that rows of the last layer go over
    to it. Which photos are held out depends on their names alone.

    Args:
        val_share: Of the photos that are held out.
        **classification: See ``ClassificationData``.
    """

    layout = "a folder of photos for each category, as tools/prepare.py dataset=noisy_dogs leaves"

    def __init__(self, *, val_share: float, **classification: Any) -> None:
        super().__init__(**classification)
        check_number("data.val_share", val_share, above=0, at_most=0.5)
        self.val_share = val_share

    def read(self, split: str) -> Photos:
        root = self.folder()
        folders = class_folders(root)
        photos = read_class_folders(root, folders, label_map=breed_classes(folders))
        held_out = np.array([_place(name) < self.val_share for name in photos.file_names])
        chosen = np.flatnonzero(held_out == (split == "val"))
        if not len(chosen):
            raise InputError(
                f"data.val_share={self.val_share} leaves none of the {len(photos)} photos of "
                f"{root} for {split}"
            )
        return photos.select(chosen)

    def report_lines(self) -> list[str]:
        if (self.folder() / MARKER).is_file():
            return super().report_lines()
        warning = (
            f"{self.root} was not cleaned by tools/prepare.py: copies of the test photos of "
            "Stanford Dogs may be among its photos"
        )
        return [*super().report_lines(), warning]


def _place(name: bytes) -> float:
    """Where a name falls between 0 and 1, ever the same."""
    return zlib.crc32(name) / 2**32
