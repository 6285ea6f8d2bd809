"""Faces as samples for the loader."""

from collections.abc import Sequence
from typing import Any

import torch

from tasks.common.data.module import stack_frames, stack_images
from tasks.common.data.samples import Sample


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
