"""Photos of classes as training data for classifiers."""

from pathlib import Path
from typing import Any

import torch

from backbone.errors import check_flag
from tasks.classification.balancing import BalancedSampler
from tasks.classification.class_lines import class_lines
from tasks.common.data.photo_module import PhotoData
from tasks.common.data.photos import Photos
from tasks.common.data.sampling import EpochSampler
from tasks.common.data.spread import one_of_each


class ClassificationData(PhotoData[Photos]):
    """Photos with a class each, for training and validation.

    Args:
        balanced: Show photos of all classes equally often, whatever these have.
        **photos: See ``PhotoData``.
    """

    default_image_size = 224
    drawn_from: str | None = None  # the data set whose photos these are, if there is one

    def __init__(self, *, balanced: bool = False, **photos: Any) -> None:
        super().__init__(**photos)
        check_flag("data.balanced", balanced)
        self.balanced = balanced

    def train_sampler(self, **start: Any) -> EpochSampler:
        if not self.balanced:
            return super().train_sampler(**start)
        return BalancedSampler(torch.from_numpy(self.photos("train").targets), **start)

    def counts(self, photos: Photos) -> str:
        there = len(set(photos.targets.tolist()))
        return f"{len(photos)} photos of {there} of {len(photos.label_map)} classes"

    def report_lines(self) -> list[str]:
        """Counts of the splits that were read, and what is odd about their classes."""
        lines = super().report_lines()
        if {"train", "val"} <= self._photos.keys():
            lines += class_lines(self.photos("train"), self.photos("val"))
        return lines

    def val_photo(self, index: int) -> tuple[Path, dict[str, Any]]:
        """A validation photo and its class."""
        photos = self.photos("val")
        label = int(photos.targets[index])
        names, ids = photos.label_map.names, photos.label_map.ids
        return photos.path(index), {"classes": [{"id": ids[label], "name": names[label]}]}

    def telling_photos(self, count: int, *, among: int) -> list[int]:
        """One of each class in turn."""
        return one_of_each(self.photos("val").targets[:among], count)
