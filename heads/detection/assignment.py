"""Which object a candidate box of a two-stage detector answers for, and which ones teach."""

import torch
from torch import Tensor

from heads.detection.boxes import pairwise_iou
from heads.detection.matching import NO_OBJECT

UNDECIDED = -2  # overlaps an object too much for background and too little to answer for it


def assign(
    boxes: Tensor,
    is_object: Tensor,
    candidates: Tensor,
    *,
    foreground_iou: float,
    background_iou: float,
    keep_best: bool = False,
) -> Tensor:
    """Gives each candidate the object it overlaps most (Ren et al. 2015, section 3.1.2).

    Args:
        boxes: ``xyxy``, shape ``(B, M, 4)``, padded.
        is_object: Which of them are objects, shape ``(B, M)``.
        candidates: ``xyxy``, shape ``(A, 4)`` or ``(B, A, 4)``.
        foreground_iou: Overlap from which a candidate answers for an object.
        background_iou: Overlap below which it is background.
        keep_best: Let the candidates that overlap an object most answer, however little that is.

    Returns:
        Index of each candidate's object, ``NO_OBJECT`` or ``UNDECIDED``, shape ``(B, A)``.
    """
    num_images, num_boxes = is_object.shape
    if num_boxes == 0:
        return is_object.new_full((num_images, candidates.shape[-2]), NO_OBJECT, dtype=torch.long)
    iou = pairwise_iou(boxes, candidates)  # (B, M, A)
    iou = torch.where(is_object[..., None], iou, iou.new_tensor(-1.0))
    best_iou, matches = iou.max(dim=1)
    decided = matches.masked_fill(best_iou < foreground_iou, UNDECIDED)
    decided = decided.masked_fill(best_iou < background_iou, NO_OBJECT)
    if keep_best:
        best_of_object = iou.amax(dim=2, keepdim=True)
        is_best = (iou == best_of_object) & (best_of_object > 0)
        decided = torch.where(is_best.any(dim=1), matches, decided)
    return decided


def sample(matches: Tensor, *, count: int, positive_share: float) -> tuple[Tensor, Tensor]:
    """Draws the candidates that a loss looks at: some with objects, background for the rest.

    Args:
        matches: Of ``assign``, shape ``(B, A)``.
        count: Candidates of an image.
        positive_share: At most this share of them have objects.

    Returns:
        Indices, shape ``(B, min(count, A))``, and which of them count: an image may have fewer
        decided candidates.
    """
    count = min(count, matches.shape[1])
    keys = torch.rand(matches.shape, device=matches.device)
    positive = matches >= 0
    most = max(int(count * positive_share), 1)
    first = keys.masked_fill(~positive, -1).topk(most, dim=1).indices
    chosen = torch.zeros_like(positive).scatter(1, first, True) & positive
    # chosen objects come before background, whatever was not chosen after it
    keys = (keys + chosen).masked_fill(~chosen & (matches != NO_OBJECT), -1)
    best, index = keys.topk(count, dim=1)
    return index, best >= 0
