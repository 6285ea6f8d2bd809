"""Faces as samples for the loader."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from tasks.common.data.module import Sample, stack_frames, stack_images
from tasks.common.data.sampling import Place
from tasks.common.images.geometry import is_mirrored
from tasks.face_embedding.augment import LookAtFace
from tasks.face_embedding.faces import FramedFaces


class FaceSet(Dataset[Sample]):
    """Faces at network size.

    A sample has ``image`` and ``frame`` as ``Shown`` has them, ``id`` (index of the photo),
    ``mirrored`` and ``target`` (whose face it is, -1 if nobody says); where faces were searched
    for in photos that may have none, ``found``.

    Args:
        faces: Photos with the place of the face in each.
        look_at: From a face's square to how it is shown.
        side: Of that, in pixels.
        seed: With the epoch and the index it decides all that is random.
        unreadable: Messages by index, for photos that are samples with an error.
    """

    def __init__(
        self,
        faces: FramedFaces,
        look_at: LookAtFace,
        *,
        side: int,
        seed: int,
        unreadable: Mapping[int, str] | None = None,
    ) -> None:
        self.faces = faces
        self.look_at = look_at
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
        look = self.look_at(self.faces.frames[index], self.side)
        shown = look(self.faces.path(index), rng)
        found = {} if self.faces.found is None else {"found": bool(self.faces.found[index])}
        return {
            **shown._asdict(),
            **found,
            "id": index,
            "mirrored": is_mirrored(shown.frame),
            "target": int(self.faces.people[index]),
        }


class EveryFaceSet(Dataset[Sample]):
    """All faces of photos, as ``faces``: a sample of ``FaceSet`` each, whose ``id`` is the photo's.

    Args:
        faces: Photo by photo, as they are.
        whose: The photo of each, ``(F,)``, rising.
        num_photos: How many photos there are.
        unreadable: Messages by photo, for those that are samples with an error.
    """

    def __init__(
        self,
        faces: FaceSet,
        whose: np.ndarray,
        *,
        num_photos: int,
        unreadable: Mapping[int, str],
    ) -> None:
        self.faces = faces
        self.starts = np.searchsorted(whose, np.arange(num_photos + 1))
        self.unreadable = unreadable

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, place: Place) -> Sample:
        epoch, index = place
        if index in self.unreadable:
            return {"id": index, "error": self.unreadable[index]}
        rows = range(self.starts[index], self.starts[index + 1])
        return {"faces": [{**self.faces[epoch, row], "id": index} for row in rows]}


def collate(samples: Sequence[Sample], *, image_size: int) -> dict[str, Any]:
    """Stacks samples of ``FaceSet``; of those with an error only that is kept, in ``errors``.

    Args:
        samples: Of one batch; those of ``EveryFaceSet`` are stacked face by face, and ``several``
            is true then.
        image_size: Side of the images of a batch without any, in pixels.
    """
    several = {"several": True} if any("faces" in sample for sample in samples) else {}
    samples = [face for sample in samples for face in sample.get("faces", [sample])]
    readable = [sample for sample in samples if "error" not in sample]
    searched = bool(readable) and "found" in readable[0]
    found = {"found": torch.tensor([sample["found"] for sample in readable])} if searched else {}
    return {
        **found,
        **several,
        "image": stack_images([sample["image"] for sample in readable], image_size),
        "id": torch.tensor([sample["id"] for sample in readable], dtype=torch.long),
        "frame": stack_frames([sample["frame"] for sample in readable]),
        "mirrored": torch.tensor([sample["mirrored"] for sample in readable]),
        "target": torch.tensor([sample["target"] for sample in readable]),
        "errors": [sample["error"] for sample in samples if "error" in sample],
    }
