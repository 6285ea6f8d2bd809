"""Photos looked at part by part: large ones, and those that a square shows squashed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from backbone.errors import InputError
from heads.detection.greedy import grouped_nms
from tasks.common.data.samples import Place, Sample
from tasks.common.images.decoding import DecodedImage, read_image
from tasks.common.images.geometry import chained
from tasks.detection.augmentation.recipes import DetectionAugmentation
from tasks.detection.batches import collate
from tasks.detection.records import DetectionRecords

AT_ONCE = 32  # parts in one pass of the network: a photo may have a thousand


class Tiles(NamedTuple):
    """How a photo is parted.

    Attributes:
        side: Of the square parts in pixels of the photo; a shorter side of it is shown whole.
        overlap: Of neighbours, at least, as a share of the side.
    """

    side: int
    overlap: float

    def boxes(self, width: int, height: int) -> np.ndarray:
        """The parts of a photo, ``xyxy`` in its pixels, ``(N, 4)``, row by row.

        >>> Tiles(300, 0.2).boxes(200, 780).tolist()
        [[0, 0, 200, 300], [0, 240, 200, 540], [0, 480, 200, 780]]
        """
        lefts, tops = self._starts(width), self._starts(height)
        across, down = min(self.side, width), min(self.side, height)
        return np.array([(x, y, x + across, y + down) for y in tops for x in lefts])

    def _starts(self, length: int) -> list[int]:
        """Where parts begin, evenly from one end to the other."""
        room = max(length - self.side, 0)
        number = int(np.ceil(room / max(self.side * (1 - self.overlap), 1))) + 1
        return [int(start) for start in np.linspace(0, room, number).round()]


class TileSet(Dataset[Sample]):
    """Photos as their parts at network size; an unreadable one is a sample with an error.

    A sample has ``tiles``, a sample for each part, whose ``frame`` leads back to the photo.

    Args:
        paths: The files.
        augmentation: From a part to network input.
        tiles: How photos are parted.
    """

    def __init__(
        self, paths: Sequence[Path], augmentation: DetectionAugmentation, tiles: Tiles
    ) -> None:
        self.paths = [str(path) for path in paths]
        self.augmentation = augmentation
        self.tiles = tiles

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: Place) -> Sample:
        _, index = place
        try:
            photo = read_image(self.paths[index], huge_reduced=True)
        except InputError as error:
            return {"id": index, "error": str(error)}
        boxes = self.tiles.boxes(*photo.size)
        return {"id": index, "tiles": [self._part(photo, box, index) for box in boxes]}

    def _part(self, photo: DecodedImage, box: np.ndarray, index: int) -> Sample:
        reduced = photo.size[0] / photo.pixels.shape[1]
        left, top, right, bottom = np.round(box / reduced).astype(int)
        pixels = photo.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
        corner, size = box[:2], box[2:] - box[:2]
        raw = {
            "image": pixels,
            "boxes": np.zeros((0, 4), np.float32),
            "labels": np.zeros(0, np.int64),
            "id": index,
            "size": tuple(size.tolist()),
        }
        rng = np.random.default_rng(0)
        shown = self.augmentation(lambda _: raw, index, rng, num_images=1)
        to_photo = np.array([[1, 0, corner[0]], [0, 1, corner[1]]], np.float64)
        return {**shown, "frame": chained(to_photo, shown["frame"]), "size": photo.size}


def collate_tiles(samples: Sequence[Sample], *, image_size: int) -> dict[str, Any]:
    """As ``collate``, with all parts of each photo in one batch, which is ``tiled``."""
    parts = [part for sample in samples for part in sample.get("tiles", [sample])]
    return {**collate(parts, image_size=image_size), "tiled": True}


def shares(batch: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A batch in batches of as many parts as a network looks at in one pass."""
    tensors = {key: value for key, value in batch.items() if isinstance(value, torch.Tensor)}
    for start in range(0, len(batch["image"]), AT_ONCE):
        yield {key: value[start : start + AT_ONCE] for key, value in tensors.items()}


def merged(found: Sequence[DetectionRecords], *, nms_iou: float) -> DetectionRecords:
    """What is found in parts as if it had been found in the photo, the surest first.

    Args:
        found: Boxes in pixels of the photos.
        nms_iou: Of two of a class that overlap more, the better stays.
    """
    image, boxes, scores, category_ids = (
        torch.cat([getattr(one, name) for one in found])
        for name in ("image", "boxes_original", "scores", "category_ids")
    )
    pairs = torch.stack([image, category_ids], dim=1)
    of_class = torch.unique(pairs, dim=0, return_inverse=True)[1]
    kept = grouped_nms(boxes, scores, of_class, nms_iou)
    return DetectionRecords(
        images=torch.unique(torch.cat([one.images for one in found])),
        image=image[kept],
        boxes_original=boxes[kept],
        scores=scores[kept],
        category_ids=category_ids[kept],
    )
