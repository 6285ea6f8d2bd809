"""How a face is shown to a student: as it may look in another photo of the same person."""

import random
from collections.abc import Callable
from typing import NamedTuple

import albumentations as A
import numpy as np

from tasks.faces.alignment import show


class View(NamedTuple):
    """A face as the network gets it, RGB ``(S, S, 3)``, and whether it is mirrored."""

    image: np.ndarray
    mirrored: bool


# The photo, its frame, the side of the picture and the only source of randomness.
Look = Callable[[np.ndarray, np.ndarray, int, np.random.Generator], View]


def plain(pixels: np.ndarray, frame: np.ndarray, side: int, _: np.random.Generator) -> View:
    """The face as it is, for evaluation and teachers."""
    return View(show(pixels, frame, side), False)


class FaceAugmentation:
    """Mirrors, moves and recolours a face, and takes detail from it; its identity stays.

    The move is part of the one warp that cuts the face out of its photo.

    Args:
        max_turn_deg: To either side.
        max_scale: Larger or smaller by at most this share.
        max_shift: Of the square's side, in both directions.
        colour: Chance of other brightness, contrast and saturation.
        gray: Chance of none at all.
        blur: Chance of a blur or of a detour by fewer pixels.
    """

    def __init__(
        self,
        *,
        max_turn_deg: float = 8,
        max_scale: float = 0.08,
        max_shift: float = 0.04,
        colour: float = 0.7,
        gray: float = 0.05,
        blur: float = 0.2,
    ) -> None:
        self.max_turn_deg = max_turn_deg
        self.max_scale = max_scale
        self.max_shift = max_shift
        detail = [A.GaussianBlur(sigma_limit=(0.5, 1.5), p=1), A.Downscale((0.3, 0.7), p=1)]
        self.finish = A.Compose(
            [
                A.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25, hue=0.02, p=colour),
                A.ToGray(p=gray),
                A.OneOf(detail, p=blur),
            ]
        )

    def __call__(
        self, pixels: np.ndarray, frame: np.ndarray, side: int, rng: np.random.Generator
    ) -> View:
        """Shows a face; equal generators give equal views."""
        mirrored = bool(rng.random() < 0.5)
        image = show(pixels, self._moved(frame, mirrored, rng), side)
        # not set_random_seed, which gives every transform the same seed
        self.finish.set_random_state(rng, random.Random(int(rng.integers(2**63))))
        return View(self.finish(image=image)["image"], mirrored)

    def _moved(self, frame: np.ndarray, mirrored: bool, rng: np.random.Generator) -> np.ndarray:
        """The frame of the square after a random move within itself."""
        turn = np.deg2rad(rng.uniform(-1, 1) * self.max_turn_deg)
        scale = 1 + rng.uniform(-1, 1) * self.max_scale
        matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        if mirrored:
            matrix[:, 0] *= -1
        middle = np.array([0.5, 0.5])
        shift = middle - matrix @ middle + rng.uniform(-1, 1, 2) * self.max_shift
        return frame @ np.vstack([np.column_stack([matrix, shift]), [0, 0, 1]])
