"""Data sets drawn on the spot, on disk in the layouts of the real ones."""

from functools import partial
from typing import Any

from tasks.classification.demo import breeds, things
from tasks.classification.demo.drawings import write_drawings
from tasks.classification.layouts.imagenet import ImageNetData
from tasks.classification.layouts.stanford_dogs import StanfordDogsData
from tasks.common.data.drawn import DrawnPhotos
from tasks.common.data.photos import Photos


class DemoImageNet(DrawnPhotos[Photos], ImageNetData):
    """Drawings of a few of ImageNet's thousand classes.

    Args:
        num_train: Training pictures.
        num_val: Validation pictures.
        **classification: See ``ClassificationData``.
    """

    def __init__(self, *, num_train: int, num_val: int, **classification: Any) -> None:
        super().__init__(**classification)
        self.write = partial(
            write_drawings,
            drawings=things.DRAWINGS,
            num_images={"train": num_train, "val": num_val},
            seed=self.seed,
        )


class DemoStanfordDogs(DrawnPhotos[Photos], StanfordDogsData):
    """Drawings of a few breeds.

    Args:
        num_train: Training pictures.
        num_val: Test pictures.
        **classification: See ``ClassificationData``.
    """

    drawn_from = None

    def __init__(self, *, num_train: int, num_val: int, **classification: Any) -> None:
        super().__init__(**classification)
        self.write = partial(
            write_drawings,
            drawings=breeds.DRAWINGS,
            num_images={"train": num_train, "test": num_val},
            seed=self.seed,
        )
