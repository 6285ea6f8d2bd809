"""Training augmentation: the part of a photo that the network sees, mirrored and recoloured."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tasks.common.images.crops import centre_crop, random_crop
from tasks.common.images.decoding import ImageFile
from tasks.common.images.geometry import Look, Shown
from tasks.common.images.transforms import Transforms

if TYPE_CHECKING:
    import albumentations as A


def paper(image_size: int, min_area: float = 0.35) -> Look:
    """Crop and flip, with small crops ruled out: small models rather underfit (section 3.2).

    Args:
        image_size: Side of the network's input.
        min_area: The least share of the area to show. The paper limits it and prints no number;
            Inception's training, which it departs from, goes down to 0.08.
    """
    import albumentations as A

    return Augmentation(image_size, min_area=min_area, transforms=[A.HorizontalFlip(p=0.5)])


def modern(image_size: int, min_area: float = 0.2, num_operations: int = 2) -> Look:
    """Crop, flip, and a few random distortions of shape or colour, as in RandAugment.

    Args:
        image_size: Side of the network's input.
        min_area: The least share of the area to show.
        num_operations: Distortions of each photo (Cubuk et al. 2020 take two).
    """
    import albumentations as A

    distortions: list[A.BasicTransform] = [
        A.Rotate(limit=30, p=1),
        A.Affine(shear=(-17, 17), p=1),
        A.Affine(translate_percent=(-0.3, 0.3), p=1),
        A.ColorJitter(brightness=0.5, contrast=0, saturation=0, hue=0, p=1),
        A.ColorJitter(brightness=0, contrast=0.5, saturation=0, hue=0, p=1),
        A.ColorJitter(brightness=0, contrast=0, saturation=0.5, hue=0.02, p=1),
        A.Sharpen(alpha=(0.1, 0.5), p=1),
        A.Posterize(num_bits=(4, 7), p=1),
        A.Solarize(threshold_range=(0.4, 1.0), p=1),
        A.Equalize(p=1),
        A.AutoContrast(p=1),
    ]
    some = A.SomeOf(distortions, n=num_operations, p=1)
    return Augmentation(image_size, min_area=min_area, transforms=[A.HorizontalFlip(p=0.5), some])


def plain(image_size: int) -> Look:
    """The middle of a photo, for evaluation."""
    return partial(_look_at_centre, image_size=image_size)


def _look_at_centre(path: ImageFile, _: np.random.Generator, *, image_size: int) -> Shown:
    return centre_crop(path, image_size)


class Augmentation:
    """Shows a random part of a photo at network size and transforms it there.

    Args:
        image_size: Side of the square network input, in pixels.
        min_area: The least share of the photo's area to show.
        transforms: Albumentations transforms that run last.
    """

    def __init__(
        self, image_size: int, *, min_area: float, transforms: Sequence["A.BasicTransform"]
    ) -> None:
        self.image_size = image_size
        self.min_area = min_area
        self.finish = Transforms(transforms)

    def __call__(self, path: ImageFile, rng: np.random.Generator) -> Shown:
        """Reads a photo and shows it; equal generators give equal pictures."""
        part = random_crop(path, self.image_size, min_area=self.min_area, rng=rng)
        return self.finish(part, rng)
