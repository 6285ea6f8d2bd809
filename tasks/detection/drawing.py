"""Pictures of detections."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import supervision


def draw_detections(pixels: np.ndarray, detections: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Draws boxes with names and scores, and masks half transparent, a colour for each class.

    Args:
        pixels: RGB, uint8, shape ``(H, W, 3)``; left as it is.
        detections: With ``bbox`` (x, y, width, height in pixels), ``name``, ``category_id``,
            ``score`` unless it is ground truth, and ``segmentation`` where there are masks.
    """
    if not detections:
        return pixels.copy()
    boxes = np.array([detection["bbox"] for detection in detections])
    boxes[:, 2:] += boxes[:, :2]
    found = supervision.Detections(
        xyxy=boxes,
        class_id=np.array([detection["category_id"] for detection in detections]),
        mask=_masks(detections, boxes, shape=(pixels.shape[0], pixels.shape[1])),
    )
    captions = [
        f"{detection['name']} {detection['score']:.0%}"
        if "score" in detection
        else detection["name"]
        for detection in detections
    ]
    size = pixels.shape[1], pixels.shape[0]
    thickness = supervision.calculate_optimal_line_thickness(size)
    drawn = np.ascontiguousarray(pixels[..., ::-1])  # the library draws on BGR
    drawn = supervision.MaskAnnotator(opacity=0.5).annotate(drawn, found)
    drawn = supervision.BoxAnnotator(thickness=thickness).annotate(drawn, found)
    scale = supervision.calculate_optimal_text_scale(size)
    drawn = supervision.LabelAnnotator(text_scale=scale, text_padding=3).annotate(
        drawn, found, labels=captions
    )
    return np.ascontiguousarray(drawn[..., ::-1])


def _masks(
    detections: Sequence[Mapping[str, Any]], boxes: np.ndarray, *, shape: tuple[int, int]
) -> supervision.CompactMask | None:
    """The masks, as runs within their boxes: whole, those of a large photo would fill gigabytes."""
    if "segmentation" not in detections[0]:
        return None
    rles = [detection["segmentation"] for detection in detections]
    return supervision.CompactMask.from_coco_rle(rles, boxes, shape)
