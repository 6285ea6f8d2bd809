"""Whole photos at network size, with and without what is to be learnt of them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from tasks.common.data.module import stack_frames, stack_images
from tasks.common.data.photos import Photos
from tasks.common.data.samples import Place, Sample
from tasks.common.images.decoding import ImageFile
from tasks.common.images.geometry import Look
from tasks.common.images.small_copies import SmallCopies


class LabelledSet(Dataset[Sample]):
    """Photos with a target at network size.

    A sample has ``image`` and ``frame`` as ``Shown`` has them, ``target`` (a row of
    ``photos.targets``) and ``id`` (index of the photo).

    Args:
        photos: With their targets.
        look_at: For a side in pixels, from file to network input.
        sides: Of the network's input in each epoch; the last one holds for all after these.
        seed: With the epoch and the index it decides all that is random.
        copies: To look at instead of the photos; None for the photos themselves.
    """

    def __init__(
        self,
        photos: Photos,
        look_at: Callable[[int], Look],
        *,
        sides: Sequence[int],
        seed: int,
        copies: SmallCopies | None = None,
    ) -> None:
        self.photos = photos
        self.looks = {side: look_at(side) for side in sides}
        self.sides = sides
        self.seed = seed
        self.copies = copies

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, place: Place) -> Sample:
        epoch, index = place
        rng = np.random.default_rng((self.seed, epoch, index))
        photo: ImageFile = self.photos.image(index)
        if self.copies:
            photo = self.copies.file_for(self.photos.path(index))
        side = self.sides[min(epoch, len(self.sides) - 1)]
        shown = self.looks[side](photo, rng)
        return {**shown._asdict(), "target": self.photos.targets[index], "id": index}


def collate(samples: Sequence[Sample], *, image_size: int) -> dict[str, Any]:
    """Stacks samples, with ``target`` where it is known.

    Args:
        samples: Of ``LabelledSet`` or ``UnlabelledSet``. Of those with an error only that is kept,
            in ``errors``.
        image_size: Side of the images of a batch without any, in pixels.
    """
    readable = [sample for sample in samples if "error" not in sample]
    batch = {
        "image": stack_images([sample["image"] for sample in readable], image_size),
        "frame": stack_frames([sample["frame"] for sample in readable]),
        "id": torch.tensor([sample["id"] for sample in readable], dtype=torch.long),
        "errors": [sample["error"] for sample in samples if "error" in sample],
    }
    if readable and "target" in readable[0]:
        batch["target"] = torch.from_numpy(np.stack([sample["target"] for sample in readable]))
    return batch
