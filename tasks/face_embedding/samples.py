"""Faces as samples for the loader."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from tasks.common.data.module import Sample, stack_images
from tasks.common.data.sampling import Place
from tasks.common.images.decoding import read_image
from tasks.face_embedding.augment import Look
from tasks.face_embedding.faces import Faces
from tasks.faces.alignment import SHARPEST, coarseness, rescaled


class FaceSet(Dataset[Sample]):
    """Faces at network size.

    A sample has ``image`` (uint8, ``(S, S, 3)``), ``id`` (index of the photo), ``frame``,
    ``mirrored`` and ``target`` (whose face it is, -1 if nobody says).

    Args:
        faces: Photos with the place of the face in each.
        look: From a photo to the network's input.
        side: Of that, in pixels.
        seed: With the epoch and the index it decides all that is random.
        unreadable: Messages by index, for photos that are samples with an error.
    """

    def __init__(
        self,
        faces: Faces,
        look: Look,
        *,
        side: int,
        seed: int,
        unreadable: Mapping[int, str] | None = None,
    ) -> None:
        self.faces = faces
        self.look = look
        self.side = side
        self.seed = seed
        self.unreadable = unreadable or {}

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, place: Place) -> Sample:
        epoch, index = place
        if index in self.unreadable:
            return {"id": index, "error": self.unreadable[index]}
        rng = np.random.default_rng((self.seed, epoch, index))
        frame = self.faces.frames[index]
        shrink = coarseness(frame, self.side) / SHARPEST  # a large photo's face need not be so fine
        pixels, size = read_image(self.faces.path(index), max_shrink=shrink)
        view = self.look(pixels, rescaled(frame, size, pixels.shape[1::-1]), self.side, rng)
        return {
            "image": view.image,
            "id": index,
            "frame": frame.astype(np.float32),
            "mirrored": view.mirrored,
            "target": int(self.faces.people[index]),
        }


def collate(samples: Sequence[Sample], *, image_size: int) -> dict[str, Any]:
    """Stacks samples of ``FaceSet``; of those with an error only that is kept, in ``errors``.

    Args:
        samples: Of one batch.
        image_size: Side of the images of a batch without any, in pixels.
    """
    readable = [sample for sample in samples if "error" not in sample]
    frames = [sample["frame"] for sample in readable]
    return {
        "image": stack_images([sample["image"] for sample in readable], image_size),
        "id": torch.tensor([sample["id"] for sample in readable], dtype=torch.long),
        "frame": torch.from_numpy(np.array(frames, np.float32).reshape(-1, 2, 3)),
        "mirrored": torch.tensor([sample["mirrored"] for sample in readable]),
        "target": torch.tensor([sample["target"] for sample in readable]),
        "errors": [sample["error"] for sample in samples if "error" in sample],
    }
