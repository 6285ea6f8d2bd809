"""Detections of many photos, in the terms of their data set."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tasks.detection.annotations.arrays import Annotations
from tasks.detection.describing import detection_rows
from tasks.detection.scoring.masks import rles_from_tensors, rles_to_tensors

MAX_DETECTIONS = 100  # an image, COCO's limit


class DetectionRecords(NamedTuple):
    """Detections in the data set's own terms, one row each.

    Attributes:
        images: Index of the photo in its split, of every photo that was looked at, ``(B,)``.
        image: The photo of each detection, ``(N,)``.
        boxes_original: ``xyxy`` pixels of the original photo, ``(N, 4)``.
        scores: ``(N,)``.
        category_ids: The data set's own, ``(N,)``.
        masks: In pixels of the original photos, as COCO compresses them, end to end, uint8; empty
            or None where nothing predicts masks. Pixels by themselves would fill the memory.
        mask_sizes: Height, width and bytes of each mask, ``(N, 3)``; ``(0, 3)`` or None without.
    """

    images: Tensor
    image: Tensor
    boxes_original: Tensor
    scores: Tensor
    category_ids: Tensor
    masks: Tensor | None = None
    mask_sizes: Tensor | None = None

    def rows(self) -> list[dict[str, Any]]:
        """As ``detection_rows``; ``image_id`` is the index of the photo."""
        masks, sizes = self.masks, self.mask_sizes
        rles = [] if masks is None or sizes is None else rles_from_tensors(masks, sizes)
        return detection_rows(
            self.image.tolist(),
            self.category_ids.tolist(),
            self.boxes_original.cpu().numpy(),
            self.scores.tolist(),
            rles,
        )


def no_records(device: torch.device) -> DetectionRecords:
    """Those of no photo."""
    whole, exact = torch.long, torch.float64
    return DetectionRecords(
        images=torch.zeros(0, dtype=whole, device=device),
        image=torch.zeros(0, dtype=whole, device=device),
        boxes_original=torch.zeros(0, 4, dtype=exact, device=device),
        scores=torch.zeros(0, dtype=exact, device=device),
        category_ids=torch.zeros(0, dtype=whole, device=device),
        **rles_to_tensors([], device=device),
    )


def truth_records(annotations: Annotations) -> DetectionRecords:
    """The ground truth as if it had been predicted; crowds are left out."""
    objects = ~annotations.crowd
    found = DetectionRecords(
        images=torch.arange(len(annotations)),
        image=torch.from_numpy(annotations.image_of_row()[objects]),
        boxes_original=torch.from_numpy(annotations.boxes[objects]),
        scores=torch.ones(int(objects.sum())),
        category_ids=torch.tensor(annotations.label_map.ids)[annotations.classes[objects]],
    )
    if annotations.outlines is None:
        return found
    rles = [annotations.rle(int(row)) for row in np.flatnonzero(objects)]
    return found._replace(**rles_to_tensors(rles))
