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


def clip(boxes: Tensor, *, height: int, width: int) -> Tensor:
    """Cuts ``xyxy`` boxes off at the borders of an image, shape ``(..., 4)``."""
    return boxes.clamp(min=0).minimum(boxes.new_tensor([width, height, width, height]))


def pairwise_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of all pairs, batched.

    Args:
        boxes: ``xyxy``, shape ``(..., M, 4)``.
        others: ``xyxy``, shape ``(A, 4)`` or ``(..., A, 4)``.

    Returns:
        Shape ``(..., M, A)``.
    """
    x0, y0, x1, y1 = boxes.unsqueeze(-2).unbind(-1)
    other_x0, other_y0, other_x1, other_y1 = others.unsqueeze(-3).unbind(-1)
    # by coordinate: a product over a dimension of two takes several times as long
    width = (torch.minimum(x1, other_x1) - torch.maximum(x0, other_x0)).clamp(min=0)
    height = (torch.minimum(y1, other_y1) - torch.maximum(y0, other_y0)).clamp(min=0)
    intersection = width * height
    areas = (x1 - x0) * (y1 - y0)
    other_areas = (other_x1 - other_x0) * (other_y1 - other_y0)
    return intersection / (areas + other_areas - intersection)
