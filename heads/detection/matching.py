"""Which anchor answers for which object."""

import torch
from torch import Tensor

from heads.detection.boxes import pairwise_iou

NO_OBJECT = -1


def match_anchors(boxes: Tensor, is_object: Tensor, anchors: Tensor, *, min_iou: float) -> Tensor:
    """SSD's matching for a whole batch: best overlap, and no object without an anchor.

    An anchor takes the object it overlaps most if that is at least ``min_iou``. Besides, each
    object takes the anchor that overlaps it most; where two objects want the same anchor, the
    later one gets it, as in the published code.

    Args:
        boxes: ``xyxy``, shape ``(B, M, 4)``, padded.
        is_object: Which of them are objects, shape ``(B, M)``.
        anchors: ``xyxy``, shape ``(A, 4)``.
        min_iou: Least overlap of an anchor with the object it takes.

    Returns:
        Index of each anchor's object, or ``NO_OBJECT``, shape ``(B, A)``.
    """
    num_images, num_boxes = is_object.shape
    if num_boxes == 0:
        return is_object.new_full((num_images, len(anchors)), NO_OBJECT, dtype=torch.long)
    iou = pairwise_iou(boxes, anchors)  # (B, M, A)
    iou = torch.where(is_object[..., None], iou, iou.new_tensor(-1.0))
    best_iou, matches = iou.max(dim=1)
    matches[best_iou < min_iou] = NO_OBJECT

    best_anchor = iou.argmax(dim=2)  # (B, M)
    objects = torch.arange(num_boxes, device=boxes.device).expand_as(best_anchor)
    wanted = torch.where(is_object, objects, NO_OBJECT)
    forced = torch.full_like(matches, NO_OBJECT).scatter_reduce(1, best_anchor, wanted, "amax")
    return torch.where(forced == NO_OBJECT, matches, forced)


def hardest_negatives(losses: Tensor, positive: Tensor, *, per_positive: float) -> Tensor:
    """Picks each image's background anchors of the highest loss.

    An image without objects keeps as many as one with a single match, so that it teaches too.

    Args:
        losses: Classification loss of each anchor, shape ``(B, A)``.
        positive: Anchors with an object, shape ``(B, A)``.
        per_positive: Background anchors kept for each of these.

    Returns:
        Mask of the anchors picked, shape ``(B, A)``.
    """
    num_kept = per_positive * positive.sum(dim=1, keepdim=True).clamp(min=1)
    order = losses.detach().masked_fill(positive, -torch.inf).argsort(dim=1, descending=True)
    ranks = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    return (ranks < num_kept) & ~positive
