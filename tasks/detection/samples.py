"""Photos and boxes at network size."""

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from tasks.common.data.samples import Place, Sample
from tasks.common.images.decoding import read_image
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.outlines import Polygon
from tasks.detection.augmentation.recipes import DetectionAugmentation


class DetectionSet(Dataset[Sample]):
    """Photos with boxes at network size.

    A sample has ``image`` and ``frame`` as ``Shown`` has them, ``boxes`` (xyxy pixels of the
    image), ``labels`` (index into the label map), ``id`` (index of the photo) and ``size`` (the
    photo's width and height). With masks it has ``masks``, a 0 or 1 for each pixel of the image at
    half its size (uint8, ``(n, S // 2, S // 2)``).

    Args:
        annotations: Photos and boxes; crowd boxes are no training objects.
        augmentation: From decoded photo to network input.
        seed: With the epoch and the index it decides all that is random.
        masks: Whether to draw the masks, for which the annotations need outlines.
    """

    def __init__(
        self,
        annotations: Annotations,
        augmentation: DetectionAugmentation,
        *,
        seed: int,
        masks: bool = False,
    ) -> None:
        self.annotations = annotations
        self.augmentation = augmentation
        self.seed = seed
        self.masks = masks

    def __len__(self) -> int:
        return len(self.annotations)

    def __getitem__(self, place: Place) -> Sample:
        epoch, index = place
        rng = np.random.default_rng((self.seed, epoch, index))
        return self.augmentation(self._read, index, rng, num_images=len(self))

    def _read(self, index: int) -> Sample:
        annotations = self.annotations
        pixels, (width, height) = read_image(
            annotations.path(index), min_side=self.augmentation.image_size
        )
        rows = annotations.rows(index)
        objects = ~annotations.crowd[rows]
        reduced = np.array([pixels.shape[1] / width, pixels.shape[0] / height] * 2)
        sample = {
            "image": pixels,
            "boxes": (annotations.boxes[rows][objects] * reduced).astype(np.float32),
            "labels": annotations.classes[rows][objects],
            "id": index,
            "size": (width, height),
        }
        if self.masks:
            sample["polygons"] = self._polygons(
                np.flatnonzero(objects) + rows.start, index, reduced[:2]
            )
        return sample

    def _polygons(self, rows: NDArray[np.int64], index: int, scale: NDArray) -> list[list[Polygon]]:
        """The polygons of each object in a photo, in pixels as it was decoded."""
        outlines, (width, height) = self.annotations.outlines, self.annotations.sizes[index]
        assert outlines is not None
        return [
            [polygon * scale for polygon in outlines.polygons(row, size=(width, height))]
            for row in rows
        ]
