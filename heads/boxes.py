"""Box arithmetic of the detectors, batched.

``xyxy`` boxes are corners ``(x0, y0, x1, y1)``, ``cxcywh`` boxes centres and sides.
"""

import torch
from torch import Tensor

# Weights of (x, y, width, height) in encoded boxes, as in all detectors of the paper.
CODE_WEIGHTS = (10.0, 10.0, 5.0, 5.0)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Corners to centres and sides, shape ``(..., 4)``."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Centres and sides to corners, shape ``(..., 4)``."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Boxes relative to anchors: shifted centres and log sides, weighted 10, 10, 5, 5.

    Args:
        boxes: ``cxcywh``, shape ``(..., 4)``, with positive sides.
        anchors: ``cxcywh``, broadcastable to ``boxes``.
    """
    weights = boxes.new_tensor(CODE_WEIGHTS)
    centre = (boxes[..., :2] - anchors[..., :2]) / anchors[..., 2:]
    sides = (boxes[..., 2:] / anchors[..., 2:]).log()
    return torch.cat([centre, sides], dim=-1) * weights


def decode(codes: Tensor, anchors: Tensor) -> Tensor:
    """The inverse of ``encode``: ``cxcywh`` boxes, shape ``(..., 4)``."""
    codes = codes / codes.new_tensor(CODE_WEIGHTS)
    centre = codes[..., :2] * anchors[..., 2:] + anchors[..., :2]
    # a growth by e^4 already exceeds any anchor that could have matched; more would overflow
    sides = codes[..., 2:].clamp(max=4).exp() * anchors[..., 2:]
    return torch.cat([centre, sides], dim=-1)


def pairwise_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of all pairs, batched.

    Args:
        boxes: ``xyxy``, shape ``(..., M, 4)``.
        others: ``xyxy``, shape ``(A, 4)`` or ``(..., A, 4)``.

    Returns:
        Shape ``(..., M, A)``.
    """
    boxes, others = boxes.unsqueeze(-2), others.unsqueeze(-3)
    low = torch.maximum(boxes[..., :2], others[..., :2])
    high = torch.minimum(boxes[..., 2:], others[..., 2:])
    intersection = (high - low).clamp(min=0).prod(-1)
    areas, other_areas = ((b[..., 2:] - b[..., :2]).prod(-1) for b in (boxes, others))
    return intersection / (areas + other_areas - intersection)
