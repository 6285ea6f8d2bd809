"""Greedy suppression by torchvision's operator, without the package around it."""

import functools
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# Boxes in one call, on a CPU and on a GPU: its time grows with their square, and a GPU's memory.
AT_ONCE = 4_000, 25_000


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
    boxes, scores = boxes.double(), scores.double()
    if len(boxes) <= AT_ONCE[boxes.is_cuda]:  # moved apart, so that one call does for all
        span = boxes.max() + 1 if len(boxes) else 0
        return nms(boxes + (groups * span)[:, None], scores, iou)
    order = groups.argsort(stable=True)
    sizes = groups[order].unique_consecutive(return_counts=True)[1].tolist()
    kept = torch.cat([own[nms(boxes[own], scores[own], iou)] for own in order.split(sizes)])
    kept = kept.sort().values  # of equal scores the first one is the better, here too
    return kept[scores[kept].argsort(descending=True, stable=True)]


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
        import torchvision  # which says what is wrong, if anything is

        return torchvision.ops
    return torch.ops.torchvision
