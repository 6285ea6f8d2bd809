"""How a face is shown to a student: as it may look in another photo of the same person."""

from collections.abc import Callable
from functools import partial

import numpy as np

from tasks.common.images.decoding import ImageFile
from tasks.common.images.geometry import Look, Shown, chained
from tasks.common.images.transforms import Transforms
from tasks.faces.alignment import read_face, show_face

# How a face is looked at, by the frame of its square (see ``alignment``) and the picture's side.
LookAtFace = Callable[[np.ndarray, int], Look]


def plain(square: np.ndarray, side: int) -> Look:
    """The face as it is, for evaluation and teachers."""
    return partial(_look_at_square, square=square, side=side)


def _look_at_square(
    path: ImageFile, _: np.random.Generator, *, square: np.ndarray, side: int
) -> Shown:
    return show_face(read_face(path, square, side), square, side)


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
        import albumentations as A

        self.max_turn_deg = max_turn_deg
        self.max_scale = max_scale
        self.max_shift = max_shift
        detail = [A.GaussianBlur(sigma_limit=(0.5, 1.5), p=1), A.Downscale((0.3, 0.7), p=1)]
        self.finish = Transforms(
            [
                A.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25, hue=0.02, p=colour),
                A.ToGray(p=gray),
                A.OneOf(detail, p=blur),
            ]
        )

    def __call__(self, square: np.ndarray, side: int) -> Look:
        """Looks at a face; equal generators give equal pictures."""
        return partial(self._look, square=square, side=side)

    def _look(
        self, path: ImageFile, rng: np.random.Generator, *, square: np.ndarray, side: int
    ) -> Shown:
        photo = read_face(path, square, side)
        return self.finish(show_face(photo, chained(square, self._move(rng)), side), rng)

    def _move(self, rng: np.random.Generator) -> np.ndarray:
        """A random move of the square within itself, ``(2, 3)``, mirrored half of the time."""
        mirrored = rng.random() < 0.5
        turn = np.deg2rad(rng.uniform(-1, 1) * self.max_turn_deg)
        scale = 1 + rng.uniform(-1, 1) * self.max_scale
        matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        if mirrored:
            matrix[:, 0] *= -1
        middle = np.array([0.5, 0.5])
        shift = middle - matrix @ middle + rng.uniform(-1, 1, 2) * self.max_shift
        return np.column_stack([matrix, shift])
