"""Pictures of detections."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from tasks.common.images.canvas import Canvas

# Boxes that overlap more are of one object, which can have but one class: suppression by class
# leaves a cat and a dog where there is one animal. Neighbours in a crowd overlap less.
SAME_OBJECT_IOU = 0.7
MASK_OPACITY = 0.5
NUM_COLOURS = 20


def _palette() -> list[tuple[int, int, int]]:
    """Colours, RGB, of which neighbours are far apart: by steps of the golden ratio around hues."""
    hues = np.arange(NUM_COLOURS) * (np.sqrt(5) - 1) / 2 % 1 * 180
    values = [(hue, 220 if i % 2 else 160, 255 if i % 3 else 200) for i, hue in enumerate(hues)]
    pixels = np.array([values]).astype(np.uint8)
    return [tuple(rgb) for rgb in cv2.cvtColor(pixels, cv2.COLOR_HSV2RGB)[0].tolist()]


PALETTE = _palette()


def draw_detections(canvas: Canvas, detections: Sequence[Mapping[str, Any]]) -> None:
    """Draws boxes with names and scores, and masks half transparent, a colour for each class.

    Args:
        canvas: With the photo.
        detections: With ``bbox`` (x, y, width, height in pixels), ``name``, ``category_id``,
            ``score`` unless it is ground truth, and ``segmentation`` where there are masks.
            Of predictions for one object, the surest is drawn.
    """
    if not detections:
        return
    detections = one_for_each_object(detections)
    boxes = corner_boxes(detections)
    colours = class_colours([row["category_id"] for row in detections], len(PALETTE))
    reduced = canvas.whole != canvas.photo.shape[1::-1]  # masks are in pixels of the whole photo
    if "segmentation" in detections[0] and not reduced:
        canvas.ground = _masked(canvas.ground, detections, boxes, colours)
    for row, box, colour in zip(detections, boxes.tolist(), colours, strict=True):
        name = f"{row['name']} {row['score']:.0%}" if "score" in row else row["name"]
        name += f" #{row['track']}" if "track" in row else ""
        canvas.box(box, [name], PALETTE[colour])


def one_for_each_object(detections: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Predictions without those that overlap a surer one so much that they are of its object.

    They come by their scores, the highest first. Ground truth is left as it is.
    """
    if not all("score" in row for row in detections):
        return list(detections)
    boxes = [row["bbox"] for row in detections]
    scores = [row["score"] for row in detections]
    kept = cv2.dnn.NMSBoxes(boxes, scores, score_threshold=0, nms_threshold=SAME_OBJECT_IOU)
    return [detections[index] for index in kept]


def class_colours(category_ids: Sequence[int], num_colours: int) -> list[int]:
    """A colour for each class: its own, or the next that no other in the picture has.

    >>> class_colours([3, 1, 3, 21, 41], 20)
    [3, 1, 3, 2, 4]
    """
    by_class: dict[int, int] = {}
    for category in sorted(set(category_ids)):
        wanted = [(category + step) % num_colours for step in range(num_colours)]
        free = (colour for colour in wanted if colour not in by_class.values())
        by_class[category] = next(free, wanted[0])
    return [by_class[category] for category in category_ids]


def corner_boxes(detections: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """The boxes from corner to corner, ``(N, 4)``."""
    boxes = np.array([row["bbox"] for row in detections], np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _masked(
    photo: np.ndarray,
    detections: Sequence[Mapping[str, Any]],
    boxes: np.ndarray,
    colours: Sequence[int],
) -> np.ndarray:
    """The photo under the masks, which are runs within their boxes.

    Whole, those of a large photo would fill gigabytes.
    """
    import supervision  # which takes longer than all the rest

    rles = [row["segmentation"] for row in detections]
    shape = (photo.shape[0], photo.shape[1])
    found = supervision.Detections(
        xyxy=boxes, mask=supervision.CompactMask.from_coco_rle(rles, boxes, shape)
    )
    bgr = np.ascontiguousarray(photo[..., ::-1])  # as the library draws
    palette = supervision.ColorPalette([supervision.Color(*rgb) for rgb in PALETTE])
    annotator = supervision.MaskAnnotator(palette, opacity=MASK_OPACITY)
    drawn = annotator.annotate(bgr, found, custom_color_lookup=np.array(colours))
    return np.ascontiguousarray(drawn[..., ::-1])
