"""Training augmentation: which part of which images the network sees, and where the boxes go.

Every recipe picks a window in source pixels and shows it with a single resize: zooming out,
cropping and SSD's squash to a square cost no more than the resize alone. Flips and colours follow
at network size, where there are fewest pixels. Masks travel as polygons, whose points move like
corners of boxes, and are drawn once, where they are to be seen.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.common.images.geometry import Shown, in_size, rectangle_frame
from tasks.common.images.transforms import Transforms
from tasks.detection.augmentation.placement import draw_masks, move_boxes, paste, place
from tasks.detection.augmentation.windows import random_crop, random_zoom_out

if TYPE_CHECKING:
    import albumentations as A

Sample = dict[str, Any]
Read = Callable[[int], Sample]

# The chance of zooming out in SSD's published training.
ZOOM_OUT_CHANCE = 0.5
# The middle of the range, which normalisation takes to about zero.
GRAY = 128
# Where the four images of a mosaic meet, as a fraction of the side: no cell becomes a sliver.
MOSAIC_CENTRE = (0.3, 0.7)


def paper(image_size: int) -> "DetectionAugmentation":
    """The published SSD-MobileNet recipe: horizontal flip and SSD's random crop."""
    import albumentations as A

    return DetectionAugmentation(image_size, crop=True, transforms=[A.HorizontalFlip(p=0.5)])


def flip(image_size: int) -> "DetectionAugmentation":
    """The published Faster R-CNN recipe: a horizontal flip of whole photos."""
    import albumentations as A

    return DetectionAugmentation(image_size, transforms=[A.HorizontalFlip(p=0.5)])


def strong(image_size: int, mosaic: float = 0.5) -> "DetectionAugmentation":
    """SSD's later recipe, with zoom-out and photometric distortion, and mosaics of four images.

    Args:
        image_size: Side of the network input, in pixels.
        mosaic: Chance of showing four images instead of one.
    """
    import albumentations as A

    transforms = [
        A.HorizontalFlip(p=0.5),
        A.RandomBrightnessContrast(brightness_limit=0.125, contrast_limit=0.5, p=0.5),
        A.ColorJitter(brightness=0.0, contrast=0.0, saturation=0.5, hue=0.05, p=0.5),
    ]
    return DetectionAugmentation(
        image_size, crop=True, zoom_out=4.0, mosaic=mosaic, transforms=transforms
    )


def plain(image_size: int) -> "DetectionAugmentation":
    """Only the resize, for evaluation."""
    return DetectionAugmentation(image_size)


class DetectionAugmentation:
    """Turns raw samples into one sample of the network's size.

    A raw sample holds ``image`` (uint8 RGB, ``(H, W, 3)``), ``boxes`` (float32 xyxy pixels of that
    image, ``(n, 4)``), ``labels`` (int64, ``(n,)``) and ``size`` (the photo's width and height,
    which may have been decoded smaller); its other keys pass through untouched. With ``polygons``,
    a list for each box, it gets ``masks`` in their place.

    Args:
        image_size: Side of the square network input, in pixels.
        crop: Whether to cut out SSD's random crop.
        zoom_out: Largest factor by which the image's sides shrink on a gray canvas; 1 for never.
        mosaic: Chance of showing four images instead of one.
        transforms: Albumentations transforms that run last, at network size; flips and colours.
    """

    def __init__(
        self,
        image_size: int,
        *,
        crop: bool = False,
        zoom_out: float = 1.0,
        mosaic: float = 0.0,
        transforms: Sequence["A.BasicTransform"] = (),
    ) -> None:
        self.image_size = image_size
        self.crop = crop
        self.zoom_out = zoom_out
        self.mosaic = mosaic
        self.finish = Transforms(transforms, boxes=True) if transforms else None

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
            wide and high. An image keeps a box if any is that large when it is shown whole. Masks
            are uint8, 0 and 1, ``(n, R, R)``; of a tiny object a mask may be empty. ``frame`` is
            of the photo at the index; the others of a mosaic have frames of their own.
        """
        cells = self._cells(rng)
        partners = rng.integers(num_images, size=len(cells) - 1)
        samples = [read(i) for i in (index, *map(int, partners))]
        canvas = np.full((self.image_size, self.image_size, 3), GRAY, np.uint8)
        shown = [
            self._show(sample, canvas, cell, rng)
            for sample, cell in zip(samples, cells, strict=True)
        ]
        frames, *columns = zip(*shown, strict=True)
        boxes, labels, *masks = map(np.concatenate, columns)
        passed = {key: value for key, value in samples[0].items() if key != "polygons"}
        picture = Shown(canvas, frames[0])
        return passed | self._finish(picture, boxes, labels, rng, masks=masks[0] if masks else None)

    def _cells(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """The canvas, or its four parts around a random point, as xyxy pixels ``(1 or 4, 4)``."""
        side = self.image_size
        if rng.random() >= self.mosaic:
            return np.array([[0, 0, side, side]])
        x, y = (int(value) for value in rng.uniform(*MOSAIC_CENTRE, size=2) * side)
        return np.array([[0, 0, x, y], [x, 0, side, y], [0, y, x, side], [x, y, side, side]])

    def _show(
        self, sample: Sample, canvas: NDArray, cell: NDArray, rng: np.random.Generator
    ) -> tuple[NDArray, ...]:
        """Shows a random part of an image in a cell.

        Returns:
            The frame that leads from the canvas to the photo, the boxes on the canvas, their
            labels and, if there are polygons, their masks.
        """
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
        frame = in_size(rectangle_frame(*placement), whole[2:], sample["size"])
        if "polygons" not in sample:
            return frame, moved[kept], labels[kept]
        polygons = [sample["polygons"][row] for row in np.flatnonzero(kept)]
        masks = draw_masks(polygons, *placement, side=self.image_size)
        return frame, moved[kept], labels[kept], masks

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
        self,
        shown: Shown,
        boxes: NDArray,
        labels: NDArray,
        rng: np.random.Generator,
        *,
        masks: NDArray | None,
    ) -> Sample:
        drawn = {} if masks is None else {"masks": masks}
        if self.finish is None:
            return {**shown._asdict(), "boxes": boxes, "labels": labels, **drawn}
        rows = np.arange(len(boxes))
        some = drawn if len(rows) else {}  # the library cannot turn none of them
        shown, done = self.finish.with_targets(shown, rng, bboxes=boxes, rows=rows, **some)
        rows = np.asarray(done["rows"], np.int64)
        return {
            **shown._asdict(),
            "boxes": np.asarray(done["bboxes"], np.float32).reshape(-1, 4),
            "labels": labels[rows],
            **{key: done.get(key, value)[rows] for key, value in drawn.items()},
        }
