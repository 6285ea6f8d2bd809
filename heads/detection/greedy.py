"""Greedy suppression by torchvision's operator, without the package around it."""

import functools
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def nms(boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
    """Places of the boxes that stay, the best first: each that no better one overlaps too much.

    Args:
        boxes: ``xyxy``, shape ``(N, 4)``.
        scores: Of the same dtype, shape ``(N,)``.
        iou: Overlap above which only the better one stays.
    """
    kept: Tensor = _operators().nms(boxes, scores, iou)
    return kept


def grouped_nms(boxes: Tensor, scores: Tensor, groups: Tensor, iou: float) -> Tensor:
    """As ``nms``, of boxes that only suppress those of their group, in float64.

    Args:
        boxes: ``xyxy``, shape ``(N, 4)``.
        scores: Shape ``(N,)``.
        groups: Whole numbers from 0, shape ``(N,)``.
        iou: Overlap above which only the better one of a group stays.
    """
    boxes = boxes.double()
    # moved apart, so that one call does for all
    span = boxes.max() + 1 if len(boxes) else 0
    return nms(boxes + (groups * span)[:, None], scores.double(), iou)


@functools.cache
def _operators() -> Any:
    """What torchvision has compiled.

    To import it would import its data sets, its models and torch's compiler too, which takes as
    long as torch itself; a photo can be looked at without. Where its library lies elsewhere than
    today, the package finds it.
    """
    package = importlib.util.find_spec("torchvision")
    folders = package.submodule_search_locations if package else None
    libraries = [file for folder in folders or () for file in Path(folder).glob("_C*.*")]
    try:
        for library in libraries:
            torch.ops.load_library(library)
        torch.ops.torchvision.nms  # noqa: B018 is looked for here
    except (OSError, AttributeError):
        import torchvision  # noqa: F401
    return torch.ops.torchvision
