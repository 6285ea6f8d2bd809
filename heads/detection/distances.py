"""Boxes as distances from a point to the four sides, each a distribution over whole steps.

Generalized Focal Loss (Li et al. 2020), section 3: a side that is hard to see may be spread over
several distances, and the network says so; the box takes their mean.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def decode_distances(logits: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """``xyxy`` boxes in pixels, shape ``(..., 4)``.

    Args:
        logits: For each of left, top, right and bottom the distances 0, 1, ... strides, shape
            ``(..., 4, bins)``.
        points: ``(x, y)`` pixels, shape ``(..., 2)``.
        strides: Pixels for each step, shape ``(..., 2)`` for x and y.
    """
    steps = torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    # a product of matrices would be taken in bfloat16 under autocast
    left_top, right_bottom = (logits.softmax(-1) * steps).sum(-1).split(2, dim=-1)
    return torch.cat([points - left_top * strides, points + right_bottom * strides], dim=-1)


def distribution_focal_loss(
    logits: Tensor, boxes: Tensor, points: Tensor, strides: Tensor
) -> Tensor:
    """Cross entropy of the two whole distances around the true one, by nearness (GFL, eq. 6).

    Args:
        logits: Shape ``(N, 4, bins)``.
        boxes: True ``xyxy``, shape ``(N, 4)``. Sides farther than the bins reach count as the last.
        points: ``(x, y)`` pixels, shape ``(N, 2)``.
        strides: Pixels for each step, shape ``(N, 2)``.

    Returns:
        The mean over the sides, shape ``(N,)``.
    """
    distances = torch.cat([points - boxes[:, :2], boxes[:, 2:] - points], dim=-1)
    distances = distances / strides.repeat(1, 2)
    bins = logits.shape[-1]
    below = distances.floor().clamp(0, bins - 2).long()
    share_above = (distances - below).clamp(0, 1)
    log_shares = F.log_softmax(logits, dim=-1)
    losses = torch.lerp(
        log_shares.gather(-1, below[..., None])[..., 0],
        log_shares.gather(-1, below[..., None] + 1)[..., 0],
        share_above,
    )
    return -losses.mean(-1)
