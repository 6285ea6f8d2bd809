"""Which point answers for which object, judged by what the points predict (TOOD)."""

from typing import NamedTuple

import torch
from torch import Tensor

from heads.detection.boxes import pairwise_iou
from heads.detection.matching import NO_OBJECT

# Alignment is score^1 * IoU^3. Feng et al. 2021, "TOOD", section 4.1, has IoU^6, for trainings a
# hundred times as long: with it, few points besides the best one learn an object.
SCORE_POWER = 1.0
IOU_POWER = 3.0

SMALLEST = 1e-30  # alignment of a point with nothing to show; far above float32's least


class Alignment(NamedTuple):
    """``matches``, each point's object or ``NO_OBJECT``, and ``quality`` in [0, 1]: ``(B, P)``."""

    matches: Tensor
    quality: Tensor


@torch.no_grad()
def align_points(
    boxes: Tensor,
    labels: Tensor,
    points: Tensor,
    *,
    predicted_boxes: Tensor,
    scores: Tensor,
    per_object: int,
) -> Alignment:
    """Task-aligned assignment for a whole batch (Feng et al. 2021, section 3.2).

    Each object takes the points inside it that score its class and overlap it best, together; a
    point that several want goes to the one that it overlaps most. The quality that a point should
    score is its alignment as a share of that of the object's best point.

    TOOD scales it to the object's best overlap instead. Small objects, whose boxes are the last to
    fit, then weigh next to nothing for as long as a short training lasts.

    Args:
        boxes: ``xyxy``, shape ``(B, M, 4)``, padded.
        labels: Shape ``(B, M)``, -1 where padded.
        points: Places of the predictions, ``(x, y)``, shape ``(P, 2)``.
        predicted_boxes: ``xyxy``, shape ``(B, P, 4)``.
        scores: In [0, 1], shape ``(B, P, L)``.
        per_object: Points that an object takes, at most.
    """
    num_images, num_points, _ = scores.shape
    if labels.shape[1] == 0:
        nothing = labels.new_full((num_images, num_points), NO_OBJECT)
        return Alignment(nothing, torch.zeros_like(scores[..., 0]))
    allowed = _points_inside(boxes, points) & (labels >= 0)[..., None]  # (B, M, P)
    iou = torch.where(allowed, pairwise_iou(boxes, predicted_boxes), 0.0)
    label = labels.clamp(min=0)[..., None].expand(-1, -1, num_points)
    score = scores.transpose(1, 2).gather(1, label)
    # not zero: every object needs a point even before the network predicts anything near it
    aligned = (score**SCORE_POWER * iou**IOU_POWER).clamp(min=SMALLEST) * allowed

    best = aligned.topk(min(per_object, num_points), dim=2)
    aligned = torch.zeros_like(aligned).scatter(2, best.indices, best.values)
    wanted = aligned > 0
    overlap, matches = torch.where(wanted, iou, -1.0).max(dim=1)  # (B, P)
    is_taken = overlap >= 0

    shares = aligned / aligned.amax(dim=2, keepdim=True).clamp(min=SMALLEST)
    quality = shares.gather(1, matches[:, None])[:, 0].to(iou.dtype)
    return Alignment(torch.where(is_taken, matches, NO_OBJECT), torch.where(is_taken, quality, 0.0))


def _points_inside(boxes: Tensor, points: Tensor) -> Tensor:
    """Which points are inside which box, or nearest to the centre of it: ``(B, M, P)``.

    The nearest one is for objects so small that they fall between the points.
    """
    x, y = points.unbind(-1)
    x0, y0, x1, y1 = boxes[..., None, :].unbind(-1)  # (B, M, 1)
    inside = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    distance = (x - (x0 + x1) / 2) ** 2 + (y - (y0 + y1) / 2) ** 2
    return inside.scatter(2, distance.argmin(dim=2, keepdim=True), True)
