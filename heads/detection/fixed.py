"""Detections in arrays of fixed shapes, by operations that every exporter knows.

``predict`` drops what is too weak and calls non-maximum suppression, whose results have as many
rows as are left; phones and browsers have no such operator, or another one each. Here nothing is
dropped: what does not stay has a score of zero. The detections are the same, in the same order.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from heads.detection.boxes import pairwise_iou

# The longest chain of boxes of which each suppresses the next: at most 11 were seen on photos.
NUM_PRODUCTS = 24


class FixedDetections(NamedTuple):
    """Detections of a batch, best first, padded with zeros to as many rows for each image.

    Attributes:
        boxes: ``xyxy`` as shares of the network input's sides, shape ``(B, D, 4)``.
        scores: In [0, 1], shape ``(B, D)``.
        labels: Index into the label map, int32, shape ``(B, D)``; background does not count.
        counts: Detections of each image, int32, shape ``(B,)``.
        masks: As in ``Detections``, shape ``(B, D, G, G)``; None from heads without masks.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    counts: Tensor
    masks: Tensor | None = None


class Pairs(NamedTuple):
    """The best pairs of place and label, best first.

    Attributes:
        scores: Shape ``(B, K)``.
        places: Shape ``(B, K)``.
        labels: Shape ``(B, K)``.
    """

    scores: Tensor
    places: Tensor
    labels: Tensor


def best_pairs(scores: Tensor, count: int) -> Pairs:
    """As many of each image as ``count`` says, or as there are.

    Args:
        scores: Of each place and label, shape ``(B, N, L)``.
        count: Of each image.
    """
    _, num_places, num_labels = scores.shape
    # they lie on the places whose best label is best: two short lists instead of one of N * L
    places = scores.amax(2).topk(min(count, num_places), dim=1).indices
    few = rows(scores, places)
    best, index = few.flatten(1).topk(min(count, few.shape[1] * num_labels), dim=1)
    # in floats, since a division of integers comes back as floats from some exporters
    row = ((index.to(torch.float32) + 0.5) / num_labels).floor().to(torch.int64)
    return Pairs(best, places.gather(1, row), index - row * num_labels)


def rows(values: Tensor, index: Tensor) -> Tensor:
    """The rows of each image that an index of shape ``(B, K)`` names, of ``(B, N, C)``."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[-1]))


def keep_better(boxes: Tensor, valid: Tensor, *, iou: float, labels: Tensor | None) -> Tensor:
    """Greedy suppression as a fixed point of matrix products, 1 for what stays, ``(B, K)``.

    A box stays if no better one that stays overlaps it more than ``iou`` says. Each product is
    right for one more link of every chain of suppressions.

    Args:
        boxes: ``xyxy``, best first, shape ``(B, K, 4)``.
        valid: 1 for those that count, shape ``(B, K)``.
        iou: Overlap above which only the better one stays.
        labels: Only boxes of one label suppress each other, shape ``(B, K)``; None for all.
    """
    overlaps = pairwise_iou(boxes, boxes) > iou
    if labels is not None:
        overlaps = torch.logical_and(overlaps, labels[:, :, None] == labels[:, None, :])
    place = torch.arange(boxes.shape[1], device=boxes.device)
    by_better = torch.logical_and(overlaps, place[:, None] > place[None, :]).to(boxes.dtype)
    # sums of zeros and ones: what is suppressed falls to zero or below, what does not count too
    counts = valid[..., None]
    keep = counts
    for _ in range(NUM_PRODUCTS):  # few operations each, since exporters take their time for each
        keep = (counts - torch.bmm(by_better, keep)).relu()
    return keep[..., 0]
