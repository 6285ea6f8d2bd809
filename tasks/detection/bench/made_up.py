"""Made-up boxes, batches and detections to measure speed on."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.common.data.labels import LabelMap
from tasks.detection.annotations.arrays import Annotations, start_offsets
from tasks.detection.records import DetectionRecords

PHOTO_SIZE = (640, 480)  # COCO's most frequent
BOXES_PER_PHOTO = 7  # COCO's mean
DETECTIONS_PER_PHOTO = 50
CROWD_CHANCE = 0.01
MISPLACED_PX = 5.0


def numbered_classes(number: int) -> LabelMap:
    """Classes without meaning."""
    return LabelMap(tuple(f"class {i}" for i in range(1, number + 1)), tuple(range(1, number + 1)))


def random_samples(
    number: int, *, side: int, num_labels: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Samples as a data set would give them, on noise.

    Args:
        number: How many.
        side: Of the square images in pixels.
        num_labels: Classes without background.
        rng: Where the randomness comes from.
    """
    samples = []
    for index in range(number):
        num_boxes = rng.poisson(BOXES_PER_PHOTO - 1) + 1
        samples.append(
            {
                "image": rng.integers(0, 256, (side, side, 3), np.uint8),
                "boxes": _random_boxes(num_boxes, (side, side), rng).astype(np.float32),
                "labels": rng.integers(num_labels, size=num_boxes),
                "id": index,
                "frame": np.eye(2, 3),
                "size": (side, side),
            }
        )
    return samples


def random_annotations(
    num_photos: int, *, num_classes: int, rng: np.random.Generator
) -> Annotations:
    """Boxes of photos that don't exist."""
    counts = rng.poisson(BOXES_PER_PHOTO, num_photos).clip(max=DETECTIONS_PER_PHOTO)
    total = int(counts.sum())
    boxes = _random_boxes(total, PHOTO_SIZE, rng)
    return Annotations(
        image_ids=np.arange(num_photos),
        file_names=np.full(num_photos, "none.jpg"),
        sizes=np.tile(PHOTO_SIZE, (num_photos, 1)),
        boxes=boxes,
        classes=rng.integers(num_classes, size=total),
        crowd=rng.random(total) < CROWD_CHANCE,
        areas=(boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
        annotation_ids=np.arange(1, total + 1),
        offsets=start_offsets(counts),
        label_map=numbered_classes(num_classes),
        folder=Path(),
    )


def random_records(annotations: Annotations, rng: np.random.Generator) -> DetectionRecords:
    """Fifty detections a photo: its objects, a little misplaced, and false ones."""
    image = np.repeat(np.arange(len(annotations)), DETECTIONS_PER_PHOTO)
    boxes = _random_boxes(len(image), PHOTO_SIZE, rng)
    classes = rng.integers(len(annotations.label_map), size=len(image))
    objects = annotations.image_of_row()
    rank = np.arange(len(objects)) - annotations.offsets[objects]
    rows = objects * DETECTIONS_PER_PHOTO + rank
    boxes[rows] = annotations.boxes + rng.normal(0, MISPLACED_PX, annotations.boxes.shape)
    classes[rows] = annotations.classes
    ids = np.array(annotations.label_map.ids)
    return DetectionRecords(
        images=torch.arange(len(annotations)),
        image=torch.from_numpy(image),
        boxes_original=torch.from_numpy(boxes),
        scores=torch.from_numpy(rng.random(len(image))),
        category_ids=torch.from_numpy(ids[classes]),
    )


def _random_boxes(
    number: int, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """``xyxy`` boxes of a twentieth to half a photo's side, ``(number, 4)``."""
    sides = rng.uniform(0.05, 0.5, (number, 2)) * size
    start = rng.random((number, 2)) * (size - sides)
    return np.concatenate([start, start + sides], axis=1)
