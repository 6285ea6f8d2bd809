"""Batches of photos with boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.common.data.module import stack_frames, stack_images
from tasks.common.data.samples import Sample

PADDING_LABEL = -1


def collate(samples: Sequence[Sample], *, image_size: int) -> dict[str, Any]:
    """Stacks samples; boxes are padded, with label -1, to the longest list.

    Args:
        samples: Of ``DetectionSet`` or ``PhotoSet``. Of those with an error only that is kept, in
            ``errors``.
        image_size: Side of the images in pixels.
    """
    readable = [sample for sample in samples if "error" not in sample]
    longest = max((len(sample["boxes"]) for sample in readable), default=0)
    boxes = torch.zeros(len(readable), longest, 4)
    labels = torch.full((len(readable), longest), PADDING_LABEL)
    for row, sample in enumerate(readable):
        boxes[row, : len(sample["boxes"])] = torch.from_numpy(sample["boxes"])
        labels[row, : len(sample["labels"])] = torch.from_numpy(sample["labels"])
    return {
        "image": stack_images([sample["image"] for sample in readable], image_size),
        "boxes": boxes,
        "labels": labels,
        "id": torch.tensor([sample["id"] for sample in readable], dtype=torch.long),
        "frame": stack_frames([sample["frame"] for sample in readable]),
        "size": torch.tensor([sample["size"] for sample in readable]).reshape(-1, 2),
        "errors": [sample["error"] for sample in samples if "error" in sample],
        **_pad_masks([sample["masks"] for sample in readable if "masks" in sample], longest),
    }


def _pad_masks(masks: Sequence[np.ndarray], longest: int) -> dict[str, Tensor]:
    """``(n, R, R)`` for each sample to ``masks``, uint8 ``(B, longest, R, R)``; none to none."""
    if not masks:
        return {}
    padded = torch.zeros(len(masks), longest, *masks[0].shape[1:], dtype=torch.uint8)
    for row, mask in enumerate(masks):
        padded[row, : len(mask)] = torch.from_numpy(mask)
    return {"masks": padded}
