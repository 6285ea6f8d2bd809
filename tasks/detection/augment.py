"""Training augmentation: which part of which images the network sees, and where the boxes go.

Every recipe picks a window in source pixels and shows it with a single resize: zooming out,
cropping and SSD's squash to a square cost no more than the resize alone. Flips and colours follow
at network size, where there are fewest pixels.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

Sample = dict[str, Any]
Read = Callable[[int], Sample]

# Minimum overlaps of SSD's crop (section 2.2): 0 takes any crop, 1 leaves the image whole.
MIN_IOUS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
CROP_TRIALS = 50
CROP_AREA = (0.1, 1.0)
CROP_ASPECT = (0.5, 2.0)
# The chance of zooming out in SSD's published training.
ZOOM_OUT_CHANCE = 0.5
# The middle of the range, which normalisation takes to about zero.
GRAY = 128
# Where the four images of a mosaic meet, as a fraction of the side: no cell becomes a sliver.
MOSAIC_CENTRE = (0.3, 0.7)
MIN_BOX_SIDE_PX = 1.0


def paper(image_size: int) -> "Augmentation":
    """The published SSD-MobileNet recipe: horizontal flip and SSD's random crop."""
    return Augmentation(image_size, crop=True, transforms=[A.HorizontalFlip(p=0.5)])


def strong(image_size: int, mosaic: float = 0.5) -> "Augmentation":
    """SSD's later recipe, with zoom-out and photometric distortion, and mosaics of four images.

    Args:
        image_size: Side of the network input, in pixels.
        mosaic: Chance of showing four images instead of one.
    """
    transforms = [
        A.HorizontalFlip(p=0.5),
        A.RandomBrightnessContrast(brightness_limit=0.125, contrast_limit=0.5, p=0.5),
        A.ColorJitter(brightness=0.0, contrast=0.0, saturation=0.5, hue=0.05, p=0.5),
    ]
    return Augmentation(image_size, crop=True, zoom_out=4.0, mosaic=mosaic, transforms=transforms)


def plain(image_size: int) -> "Augmentation":
    """Only the resize, for evaluation."""
    return Augmentation(image_size)


class Augmentation:
    """Turns raw samples into one sample of the network's size.

    A sample holds ``image`` (uint8 RGB, ``(H, W, 3)``), ``boxes`` (float32 xyxy pixels of that
    image, ``(n, 4)``) and ``labels`` (int64, ``(n,)``); its other keys pass through untouched.

    Args:
        image_size: Side of the square network input, in pixels.
        crop: Whether to cut out SSD's random crop.
        zoom_out: Largest factor by which the image's sides shrink on a gray canvas; 1 for never.
        mosaic: Chance of showing four images instead of one.
        transforms: Albumentations transforms that run last, at network size.
    """

    def __init__(
        self,
        image_size: int,
        *,
        crop: bool = False,
        zoom_out: float = 1.0,
        mosaic: float = 0.0,
        transforms: Sequence[A.BasicTransform] = (),
    ) -> None:
        self.image_size = image_size
        self.crop = crop
        self.zoom_out = zoom_out
        self.mosaic = mosaic
        # Clipping: the flip works on relative boxes, whose rounding may leave the image by 1e-5 px.
        boxes = A.BboxParams("pascal_voc", ["labels"], check_each_transform=False, clip=True)
        self.finish = A.Compose(transforms, bbox_params=boxes) if transforms else None

    def __call__(
        self, read: Read, index: int, rng: np.random.Generator, *, num_images: int
    ) -> Sample:
        """Reads and augments one sample.

        Args:
            read: Decodes the raw sample at an index.
            index: The sample to show; a mosaic adds others.
            rng: The only source of randomness, so equal generators give equal samples.
            num_images: How many indices ``read`` knows, to choose a mosaic's partners from.

        Returns:
            The sample with boxes in network pixels, each inside the image and at least one pixel
            wide and high. An image keeps a box if any is that large when it is shown whole.
        """
        cells = self._cells(rng)
        partners = rng.integers(num_images, size=len(cells) - 1)
        samples = [read(i) for i in (index, *map(int, partners))]
        canvas = np.full((self.image_size, self.image_size, 3), GRAY, np.uint8)
        shown = [
            self._show(sample, canvas, cell, rng)
            for sample, cell in zip(samples, cells, strict=True)
        ]
        boxes, labels = (np.concatenate(parts) for parts in zip(*shown, strict=True))
        return samples[0] | self._finish(canvas, boxes, labels, rng)

    def _cells(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """The canvas, or its four parts around a random point, as xyxy pixels ``(1 or 4, 4)``."""
        side = self.image_size
        if rng.random() >= self.mosaic:
            return np.array([[0, 0, side, side]])
        x, y = (int(value) for value in rng.uniform(*MOSAIC_CENTRE, size=2) * side)
        return np.array([[0, 0, x, y], [x, 0, side, y], [0, y, x, side], [x, y, side, side]])

    def _show(
        self, sample: Sample, canvas: NDArray, cell: NDArray, rng: np.random.Generator
    ) -> tuple[NDArray, NDArray]:
        """Shows a random part of an image in a cell; returns its boxes on the canvas and labels."""
        image, boxes, labels = sample["image"], sample["boxes"], sample["labels"]
        whole = np.array([0, 0, image.shape[1], image.shape[0]])
        alone = cell[2] - cell[0] == self.image_size
        window = self._window(whole, boxes, rng, zoom_out=self.zoom_out if alone else 1.0)
        placement = place(whole, window, cell)
        moved, kept = move_boxes(boxes, *placement)
        if len(boxes) and not kept.any():  # objects shrunk or cut to nothing
            placement = place(whole, whole, cell)
            moved, kept = move_boxes(boxes, *placement)
        paste(image, canvas, *placement)
        return moved[kept], labels[kept]

    def _window(
        self, whole: NDArray, boxes: NDArray, rng: np.random.Generator, *, zoom_out: float
    ) -> NDArray[np.int64]:
        """The part of the image's plane to show, xyxy pixels; zoomed out, it exceeds the image."""
        window = whole
        # Without objects there is nothing to make smaller, and a crop could show gray alone.
        if zoom_out > 1 and len(boxes) and rng.random() < ZOOM_OUT_CHANCE:
            window = random_zoom_out(whole, rng, max_ratio=zoom_out)
        return random_crop(window, boxes, rng) if self.crop else window

    def _finish(
        self, image: NDArray, boxes: NDArray, labels: NDArray, rng: np.random.Generator
    ) -> Sample:
        if self.finish is None:
            return {"image": image, "boxes": boxes, "labels": labels}
        # Not set_random_seed: it gives every transform the same seed, so that whatever flips an
        # image would also decide its colours.
        self.finish.set_random_state(rng, random.Random(int(rng.integers(2**63))))
        done = self.finish(image=image, bboxes=boxes, labels=labels)
        return {
            "image": done["image"],
            "boxes": np.asarray(done["bboxes"], np.float32).reshape(-1, 4),
            "labels": np.asarray(done["labels"], np.int64),
        }


def centres_inside(boxes: NDArray, windows: NDArray) -> NDArray[np.bool_]:
    """Whether each box's centre is in each window: xyxy ``(n, 4)``, ``(m, 4)`` to ``(m, n)``."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    after_start = (windows[:, None, :2] <= centres).all(axis=-1)
    return after_start & (centres < windows[:, None, 2:]).all(axis=-1)


def move_boxes(
    boxes: NDArray, source: NDArray, target: NDArray
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Follows boxes as one rectangle of an image is shown in another.

    A box stays when its centre is inside the rectangle; what sticks out is cut off. Boxes that end
    under one pixel wide or high go.

    Args:
        boxes: xyxy pixels of the image, ``(n, 4)``.
        source: The rectangle that is cut out, xyxy pixels of the image, ``(4,)``.
        target: The rectangle it fills, xyxy pixels of the canvas, ``(4,)``.

    Returns:
        All boxes in canvas pixels, ``(n, 4)``, and which of them stay, ``(n,)``.
    """
    scale = (target[2:] - target[:2]) / (source[2:] - source[:2])
    corners = (boxes.reshape(-1, 2, 2) - source[:2]) * scale + target[:2]
    moved = np.clip(corners, target[:2], target[2:]).reshape(-1, 4).astype(np.float32)
    large = (moved[:, 2:] - moved[:, :2] >= MIN_BOX_SIDE_PX).all(axis=1)
    return moved, large & centres_inside(boxes, source[None])[0]


def place(
    whole: NDArray[np.int64], window: NDArray[np.int64], cell: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels of an image that a window shows, and those of the cell that they fill.

    Both are whole pixels (rounded outwards, at least one), so that boxes moved from the one to the
    other fit what is drawn exactly. All rectangles are xyxy, ``(4,)``.

    Args:
        whole: The image's own rectangle.
        window: The rectangle of the image's plane that fills the cell; it must meet the image.
        cell: A rectangle of the canvas.
    """
    source = np.concatenate([np.maximum(window[:2], whole[:2]), np.minimum(window[2:], whole[2:])])
    sides, cell_sides = window[2:] - window[:2], cell[2:] - cell[:2]
    start = (source[:2] - window[:2]) * cell_sides // sides
    stop = -((window[:2] - source[2:]) * cell_sides // sides)
    return source, np.concatenate([start, stop]) + np.tile(cell[:2], 2)


def paste(image: NDArray, canvas: NDArray, source: NDArray, target: NDArray) -> None:
    """Fills a rectangle of the canvas with one of the image, both xyxy whole pixels."""
    x0, y0, x1, y1 = source
    left, top, right, bottom = (int(value) for value in target)
    canvas[top:bottom, left:right] = resize(image[y0:y1, x0:x1], right - left, bottom - top)


def resize(image: NDArray, width: int, height: int) -> NDArray:
    """Resizes without skipping pixels.

    Averaging pairs of pixels until less than half is left to go costs a tenth of averaging over any
    other area, and shifts the picture by less than a pixel (of the result) where a side is odd.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * rows, : 2 * columns]
        image = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def random_zoom_out(
    whole: NDArray[np.int64], rng: np.random.Generator, *, max_ratio: float
) -> NDArray[np.int64]:
    """A larger rectangle around an image, its sides up to ``max_ratio`` as long, xyxy ``(4,)``."""
    sides = (whole[2:] * rng.uniform(1, max_ratio)).astype(np.int64)
    start = -(rng.random(2) * (sides - whole[2:])).astype(np.int64)
    return np.concatenate([start, start + sides])


def random_crop(
    frame: NDArray[np.int64], boxes: NDArray, rng: np.random.Generator
) -> NDArray[np.int64]:
    """A random part of a frame that shows at least one object well (SSD, section 2.2).

    One overlap is drawn from ``MIN_IOUS``; the first of 50 crops that holds the centre of a box
    and overlaps it by that much is taken, or else the whole frame. TensorFlow's
    ``ssd_random_crop``, which the published weights saw, asks for the covered share of the box
    instead of the IoU.

    Args:
        frame: xyxy pixels, ``(4,)``.
        boxes: xyxy pixels, ``(n, 4)``; without any, every crop will do.
        rng: Where the randomness comes from.
    """
    min_iou = MIN_IOUS[rng.integers(len(MIN_IOUS))]
    if min_iou == 1:
        return frame
    crops = _random_crops(frame, rng)
    if len(boxes):
        shown = centres_inside(boxes, crops) & (_iou(crops, boxes) >= min_iou)
        crops = crops[shown.any(axis=1)]
    return crops[0] if len(crops) else frame


def _random_crops(frame: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Up to 50 crops of SSD's areas and aspect ratios that fit in a frame, xyxy ``(m, 4)``."""
    extent = frame[2:] - frame[:2]
    area = rng.uniform(*CROP_AREA, size=CROP_TRIALS) * extent.prod()
    aspect = rng.uniform(*CROP_ASPECT, size=CROP_TRIALS)
    position = rng.random((CROP_TRIALS, 2))
    sides = np.sqrt(np.stack([area * aspect, area / aspect], axis=1)).astype(np.int64)
    fits = ((sides > 0) & (sides <= extent)).all(axis=1)
    start = frame[:2] + (position * (extent - sides + 1)).astype(np.int64)
    return np.concatenate([start, start + sides], axis=1)[fits]


def _iou(windows: NDArray, boxes: NDArray) -> NDArray[np.float64]:
    """Intersection over union of xyxy ``(m, 4)`` with ``(n, 4)``, shape ``(m, n)``."""
    start = np.maximum(windows[:, None, :2], boxes[:, :2])
    stop = np.minimum(windows[:, None, 2:], boxes[:, 2:])
    shared = np.clip(stop - start, 0, None).prod(axis=-1)
    areas = [(corners[:, 2:] - corners[:, :2]).prod(axis=1) for corners in (windows, boxes)]
    return shared / (areas[0][:, None] + areas[1] - shared)
