"""Whether a file predicts what the network does that it was made from."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from heads.detection.detections import Detections
from tasks.common.exported.int8.agreement import agreement_line
from tasks.common.training.task import File, Task

# Seen over all formats and heads: 2e-6 of the largest value, 1e-3 pixels.
MAX_RELATIVE = 1e-4
MAX_PIXELS = 0.1
MAX_SCORE = 1e-3


@torch.no_grad()
def compare(task: Task, file: File, images: Tensor) -> dict[str, Any]:
    """Runs both on the same photos.

    Args:
        task: With the network, in eval mode.
        file: That was made of it.
        images: ``uint8``, shape ``(N, 3, S, S)``.

    Returns:
        Of each output the largest difference, or of detections how many are the same, and
        ``passed``: whether that is what rounding explains.
    """
    expected = task.head.predict(task(images), {"image": images})
    outputs = _compared(expected, task.head.from_deployed(file(images), images))
    return {"outputs": outputs, "passed": all(output["passed"] for output in outputs.values())}


def _compared(expected: Any, found: Any, name: str = "") -> dict[str, dict[str, Any]]:
    if isinstance(expected, Detections):
        return {name or "detections": _same_detections(expected, found)}
    if isinstance(expected, Mapping):
        parts = [_compared(expected[part], found[part], part) for part in expected]
        return {key: value for part in parts for key, value in part.items()}
    largest = float((expected - found).abs().max())
    scale = float(expected.abs().max())
    fits = largest <= MAX_RELATIVE * scale
    return {name or "predictions": {"largest_difference": largest, "passed": fits}}


def _same_detections(expected: Detections, found: Detections) -> dict[str, Any]:
    """How many detections have a partner of their label, near enough, that no other one has."""
    free = torch.ones(len(found.boxes), dtype=torch.bool)
    same, pixels, scores = 0, 0.0, 0.0
    columns = (expected.image, expected.labels, expected.boxes, expected.scores)
    for image, label, box, score in zip(*columns, strict=True):
        alike = free & (found.image == image) & (found.labels == label)
        off = (found.boxes - box).abs().amax(1)
        away = (found.scores - score).abs()
        alike &= (off <= MAX_PIXELS) & (away <= MAX_SCORE)
        if alike.any():
            row = int(torch.where(alike, off, torch.inf).argmin())
            free[row] = False
            same += 1
            pixels, scores = max(pixels, float(off[row])), max(scores, float(away[row]))
    return {
        "detections": len(expected.boxes),
        "same": same,
        "others": int(free.sum()),
        "largest_difference": pixels,
        "largest_difference_of_scores": scores,
        "passed": same == len(expected.boxes) and not free.any(),
    }


def parity_lines(parity: Mapping[str, Any]) -> list[str]:
    """What ``compare`` or ``agree`` found, to print."""
    if "not_compared" in parity:
        return [f"not compared: {parity['not_compared']}"]
    lines = []
    for name, output in parity["outputs"].items():
        if "largest_difference" not in output:
            lines.append(agreement_line(name, output))
        elif "detections" in output:
            lines.append(
                f"{name}: {output['same']} of {output['detections']} the same, "
                f"{output['others']} others, boxes within {output['largest_difference']:.2g} pixels"
            )
        else:
            lines.append(f"{name}: largest difference {output['largest_difference']:.2g}")
    if "before" in parity:
        lines.append(
            f"{parity['metric']}: {parity['before']:.4f}, {parity['after']:.4f} of the file"
        )
    return lines
