"""Photos without annotations at network size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.data.samples import Place, Sample
from tasks.common.images.decoding import read_image
from tasks.detection.augmentation.recipes import DetectionAugmentation


class PhotoSet:
    """Photos without annotations at network size; an unreadable one is a sample with an error.

    Args:
        paths: The files.
        augmentation: From decoded photo to network input.
    """

    def __init__(self, paths: Sequence[Path], augmentation: DetectionAugmentation) -> None:
        self.paths = [str(path) for path in paths]
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: Place) -> Sample:
        _, index = place
        try:
            return self.augmentation(
                self._read, index, np.random.default_rng(0), num_images=len(self)
            )
        except InputError as error:
            return {"id": index, "error": str(error)}

    def _read(self, index: int) -> Sample:
        pixels, size = read_image(self.paths[index], min_side=self.augmentation.image_size)
        no_boxes = np.zeros((0, 4), np.float32)
        return {
            "image": pixels,
            "boxes": no_boxes,
            "labels": np.zeros(0, np.int64),
            "id": index,
            "size": size,
        }
