"""Pictures of detections."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import supervision


def draw_detections(pixels: np.ndarray, detections: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Draws boxes with names and scores, a colour for each class.

    Args:
        pixels: RGB, uint8, shape ``(H, W, 3)``; left as it is.
        detections: With ``bbox`` (x, y, width, height in pixels), ``name``, ``category_id`` and,
            if it is no ground truth, ``score``.
    """
    if not detections:
        return pixels.copy()
    boxes = np.array([detection["bbox"] for detection in detections])
    boxes[:, 2:] += boxes[:, :2]
    found = supervision.Detections(
        xyxy=boxes, class_id=np.array([detection["category_id"] for detection in detections])
    )
    captions = [
        f"{detection['name']} {detection['score']:.0%}"
        if "score" in detection
        else detection["name"]
        for detection in detections
    ]
    size = pixels.shape[1], pixels.shape[0]
    thickness = supervision.calculate_optimal_line_thickness(size)
    drawn = supervision.BoxAnnotator(thickness=thickness).annotate(
        np.ascontiguousarray(pixels[..., ::-1]),
        found,  # the library draws on BGR
    )
    scale = supervision.calculate_optimal_text_scale(size)
    drawn = supervision.LabelAnnotator(text_scale=scale, text_padding=3).annotate(
        drawn, found, labels=captions
    )
    return np.ascontiguousarray(drawn[..., ::-1])
