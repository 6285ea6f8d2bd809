"""Drawings of five breeds of dogs, which differ in coat, ears and muzzle."""

from functools import partial
from typing import NamedTuple

import numpy as np

from tasks.common.synthetic.painting import Drawing, Picture, Rng, disc, paint, plain, soft

Colour = tuple[float, float, float]

BLACK = (0.06, 0.05, 0.05)
WHITE = (0.95, 0.94, 0.92)


class Breed(NamedTuple):
    """What tells a breed from another.

    Attributes:
        coat: Colour of the head.
        ears: Colour of the ears.
        muzzle: Colour around the nose.
        ear_top: How high the ears reach: below zero they stand up, above it they hang.
        spots: How many dark spots there are.
    """

    coat: Colour
    ears: Colour
    muzzle: Colour
    ear_top: float
    spots: int = 0


def _head(u: Picture, v: Picture, rng: Rng, *, breed: Breed) -> tuple[Picture, Picture]:
    head = soft(0.7 - np.hypot(u, v / 1.1))
    ears = soft(0.28 - np.hypot(np.abs(u) - 0.55, (v - breed.ear_top) / 1.8))
    colour = paint(plain(u, breed.ears), breed.coat, head)
    for x, y in rng.uniform(-0.55, 0.55, (breed.spots, 2)):
        colour = paint(colour, BLACK, disc(u, v, x=x, y=y, radius=0.09))
    colour = paint(colour, breed.muzzle, disc(u, v, x=0, y=0.35, radius=0.32))
    colour = paint(colour, BLACK, disc(u, v, x=0, y=0.25, radius=0.12))
    colour = paint(colour, BLACK, disc(np.abs(u), v, x=0.28, y=-0.15, radius=0.08))
    return colour, np.maximum(head, ears)


BREEDS = {
    "n02088364-beagle": Breed((0.8, 0.55, 0.3), (0.55, 0.32, 0.15), WHITE, 0.2),
    "n02099601-golden_retriever": Breed((0.88, 0.7, 0.42), (0.8, 0.58, 0.3), (0.9, 0.8, 0.6), 0.2),
    "n02105412-kelpie": Breed((0.35, 0.2, 0.12), (0.35, 0.2, 0.12), (0.55, 0.35, 0.2), -0.6),
    "n02110185-Siberian_husky": Breed((0.4, 0.42, 0.46), (0.3, 0.3, 0.33), WHITE, -0.6),
    "n02110341-dalmatian": Breed(WHITE, BLACK, WHITE, 0.2, spots=14),
}
# By the names of the folders.
DRAWINGS: dict[str, Drawing] = {name: partial(_head, breed=breed) for name, breed in BREEDS.items()}
