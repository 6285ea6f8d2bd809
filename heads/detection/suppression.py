"""From scores and boxes to detections, for all detectors."""

import torch
from torch import Tensor

from heads.detection.detections import Detections
from heads.detection.greedy import grouped_nms


def candidates(
    scores: Tensor, *, threshold: float, count: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Image, place, label and score of each image's best pairs of place and label.

    Args:
        scores: Of each place and label, shape ``(B, N, L)``.
        threshold: Pairs that do not exceed it are dropped.
        count: At most as many are left of an image.
    """
    num_images, _, num_labels = scores.shape
    best, index = scores.flatten(1).topk(min(count, scores[0].numel()), dim=1)
    image = torch.arange(num_images, device=scores.device)[:, None].expand_as(index)
    above = best > threshold
    index = index[above]
    return image[above], index // num_labels, index % num_labels, best[above]


def suppress(found: Detections, *, num_labels: int, nms_iou: float, count: int) -> Detections:
    """Of the detections of a class that overlap, the best ones stay.

    Args:
        found: Of a batch, in any order.
        num_labels: Classes without background.
        nms_iou: Overlap above which only the better one stays.
        count: At most as many are left of an image.

    Returns:
        Image by image, best first.
    """
    group = found.image * num_labels + found.labels
    kept = grouped_nms(found.boxes, found.scores, group, nms_iou)
    kept = kept[found.image[kept].argsort(stable=True)]
    kept = kept[_rank_within(found.image[kept]) < count]
    return Detections(found.image[kept], found.boxes[kept], found.scores[kept], found.labels[kept])


def _rank_within(groups: Tensor) -> Tensor:
    """Position of each element within its run of equal values.

    >>> _rank_within(torch.tensor([0, 0, 2, 2, 2])).tolist()
    [0, 1, 0, 1, 2]
    """
    positions = torch.arange(len(groups), device=groups.device)
    return positions - torch.searchsorted(groups, groups)
