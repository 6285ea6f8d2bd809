"""Random windows: the part of an image, or of the plane around it, that training shows."""

import numpy as np
from numpy.typing import NDArray

from tasks.detection.augmentation.placement import centres_inside

# Minimum overlaps of SSD's crop (section 2.2): 0 takes any crop, 1 leaves the image whole.
MIN_IOUS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
CROP_TRIALS = 50
CROP_AREA = (0.1, 1.0)
CROP_ASPECT = (0.5, 2.0)


def random_zoom_out(
    whole: NDArray[np.int64], rng: np.random.Generator, *, max_ratio: float
) -> NDArray[np.int64]:
    """A larger rectangle around an image, its sides up to ``max_ratio`` as long, xyxy ``(4,)``."""
    sides = (whole[2:] * rng.uniform(1, max_ratio)).astype(np.int64)
    start = -(rng.random(2) * (sides - whole[2:])).astype(np.int64)
    return np.concatenate([start, start + sides])


def random_crop(
    window: NDArray[np.int64], boxes: NDArray, rng: np.random.Generator
) -> NDArray[np.int64]:
    """A random part of a window that shows at least one object well (SSD, section 2.2).

    One overlap is drawn from ``MIN_IOUS``; the first of 50 crops that holds the centre of a box
    and overlaps it by that much is taken, or else the whole window. TensorFlow's
    ``ssd_random_crop``, which the published weights saw, asks for the covered share of the box
    instead of the IoU.

    Args:
        window: xyxy pixels, ``(4,)``.
        boxes: xyxy pixels, ``(n, 4)``; without any, every crop will do.
        rng: Where the randomness comes from.
    """
    min_iou = MIN_IOUS[rng.integers(len(MIN_IOUS))]
    if min_iou == 1:
        return window
    crops = _random_crops(window, rng)
    if len(boxes):
        shown = centres_inside(boxes, crops) & (_iou(crops, boxes) >= min_iou)
        crops = crops[shown.any(axis=1)]
    return crops[0] if len(crops) else window


def _random_crops(window: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Up to 50 crops of SSD's areas and aspect ratios that fit in a window, xyxy ``(m, 4)``."""
    extent = window[2:] - window[:2]
    area = rng.uniform(*CROP_AREA, size=CROP_TRIALS) * extent.prod()
    aspect = rng.uniform(*CROP_ASPECT, size=CROP_TRIALS)
    position = rng.random((CROP_TRIALS, 2))
    sides = np.sqrt(np.stack([area * aspect, area / aspect], axis=1)).astype(np.int64)
    fits = ((sides > 0) & (sides <= extent)).all(axis=1)
    start = window[:2] + (position * (extent - sides + 1)).astype(np.int64)
    return np.concatenate([start, start + sides], axis=1)[fits]


def _iou(windows: NDArray, boxes: NDArray) -> NDArray[np.float64]:
    """Intersection over union of xyxy ``(m, 4)`` with ``(n, 4)``, shape ``(m, n)``."""
    start = np.maximum(windows[:, None, :2], boxes[:, :2])
    stop = np.minimum(windows[:, None, 2:], boxes[:, 2:])
    shared = np.clip(stop - start, 0, None).prod(axis=-1)
    areas = [(corners[:, 2:] - corners[:, :2]).prod(axis=1) for corners in (windows, boxes)]
    return shared / (areas[0][:, None] + areas[1] - shared)
