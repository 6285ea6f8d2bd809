"""How far int8, which cannot predict the same, agrees with the network it was made from."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from heads.detection.boxes import pairwise_iou
from heads.detection.detections import Detections
from heads.head import Head
from heads.multitask import MultitaskHead
from tasks.common.training.task import File, Task

SURE = 0.3  # detections of a lower score come and go with rounding
SAME_PLACE = 0.5  # overlap of two detections of one object


@torch.no_grad()
def agree(task: Task, file: File, images: Tensor) -> dict[str, Any]:
    """Runs both on the same photos.

    Args:
        task: With the network, in eval mode.
        file: That was made of it.
        images: ``uint8``, shape ``(N, 3, S, S)``.

    Returns:
        Of each output what is the same, and ``passed``, which holds: nobody has said how far they
        must agree.
    """
    expected = task.head.predict(task(images), {"image": images})
    found = task.head.from_deployed(file(images), images)
    return {"outputs": _agreement(task.head, expected, found), "passed": True}


def _agreement(head: Head, expected: Any, found: Any, name: str = "") -> dict[str, dict[str, Any]]:
    if isinstance(head, MultitaskHead):
        parts = [_agreement(part, expected[key], found[key], key) for key, part in head.heads()]
        return {key: value for part in parts for key, value in part.items()}
    if isinstance(expected, Detections):
        return {name or "detections": agreeing_detections(expected, found)}
    if head.predicts == "embedding":
        return {
            name or "embedding": {"least_cosine": float(F.cosine_similarity(expected, found).min())}
        }
    top = expected.argmax(1) == found.argmax(1)
    return {name or "predictions": {"photos": len(top), "same_top_label": int(top.sum())}}


def agreeing_detections(expected: Detections, found: Detections) -> dict[str, int]:
    """How many sure detections have one of their label in their place."""
    sure = expected.scores >= SURE
    overlaps = pairwise_iou(expected.boxes[sure], found.boxes)
    alike = expected.image[sure, None] == found.image
    alike &= expected.labels[sure, None] == found.labels
    same = (alike & (overlaps >= SAME_PLACE)).any(1)
    return {"sure_detections": len(same), "same": int(same.sum())}


def agreement_line(name: str, output: Mapping[str, Any]) -> str:
    """What ``agree`` found of an output, to print."""
    if "sure_detections" in output:
        return (
            f"{name}: {output['same']} of {output['sure_detections']} detections with a score "
            f"from {SURE} have one of their label in their place"
        )
    if "least_cosine" in output:
        return f"{name}: cosine to the network's {output['least_cosine']:.4f} or more"
    return (
        f"{name}: {output['same_top_label']} of {output['photos']} photos have the same top label"
    )
