"""Random transforms at network size, which colours and frames of pictures follow."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.common.images.geometry import Shown, chained, inverse

if TYPE_CHECKING:
    import albumentations as A


class Transforms:
    """Albumentations transforms of pictures; their frames follow.

    Whoever makes some imports the library then: it takes half a second, which training alone is to
    pay.

    Args:
        transforms: In this order.
        boxes: Whether there are boxes, and perhaps masks smaller than the picture, to move with it.
    """

    def __init__(self, transforms: Sequence["A.BasicTransform"], *, boxes: bool = False) -> None:
        import albumentations as A

        settings: dict[str, Any] = {}
        if boxes:
            # the flip works on relative boxes, whose rounding may leave the image by 1e-5 px
            settings["bbox_params"] = A.BboxParams(
                "pascal_voc", ["rows"], check_each_transform=False, clip=True
            )
            settings["is_check_shapes"] = False  # of masks, which the library would not have
        self.moving = any("keypoints" in transform.available_keys for transform in transforms)
        if self.moving:
            settings["keypoint_params"] = A.KeypointParams("xy", remove_invisible=False)
        self.compose = A.Compose(transforms, **settings)

    def __call__(self, shown: Shown, rng: np.random.Generator) -> Shown:
        """Transforms a picture; equal generators give equal ones."""
        return self.with_targets(shown, rng)[0]

    def with_targets(
        self, shown: Shown, rng: np.random.Generator, **targets: Any
    ) -> tuple[Shown, dict[str, Any]]:
        """The same for a picture with ``bboxes`` or ``masks``, which are in the dictionary then."""
        # Not set_random_seed: it gives every transform the same seed, so that whatever flips an
        # image would also decide its colours.
        self.compose.set_random_state(rng, random.Random(int(rng.integers(2**63))))
        if not self.moving:
            done = self.compose(image=shown.image, **targets)
            return Shown(done["image"], shown.frame), done
        last = len(shown.image) - 1
        # the library counts from the middle of the first pixel
        done = self.compose(image=shown.image, keypoints=[[0, 0], [last, 0], [0, last]], **targets)
        movement = _movement(np.asarray(done["keypoints"], np.float64), last)
        return Shown(done["image"], chained(shown.frame, inverse(movement))), done


def _movement(ends: np.ndarray, last: int) -> np.ndarray:
    """The matrix that moved three pixels in the corners of a picture, ``(2, 3)``.

    Args:
        ends: Where the first pixel, its row's last and its column's last are now, by their middles
            and counted from where the first one's was, ``(3, 2)``.
        last: Number of a row's last pixel.
    """
    matrix = ((ends[1:] - ends[0]) / last).T
    return np.column_stack([matrix, ends[0] + 0.5 - matrix.sum(1) / 2])
