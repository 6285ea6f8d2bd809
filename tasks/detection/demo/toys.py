"""The four kinds of toys in the scenes, as formulas."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.floating]

# Unit coordinates (right, down) to the signed distance from the outline, below zero inside, and the
# brightness: 0 black, 1 the toy's own colour, 2 white.
Shape = Callable[[Picture, Picture], tuple[Picture, Picture]]


def _ball(u: Picture, v: Picture) -> tuple[Picture, Picture]:
    radius = np.hypot(u, v)
    light = 1.1 - 0.45 * np.hypot(u + 0.3, v + 0.35) ** 2
    return radius - 1, light + 0.9 * np.exp(-18 * ((u + 0.38) ** 2 + (v + 0.42) ** 2))


def _box(u: Picture, v: Picture) -> tuple[Picture, Picture]:
    distance = np.maximum(np.abs(u) - 0.88, np.abs(v) - 0.66)
    ribbon = _soft(0.13 - np.minimum(np.abs(u), np.abs(v)))
    rim = _soft(distance + 0.08)
    return distance, (0.95 + 0.5 * ribbon) * (1 - rim) + 0.6 * rim


def _star(u: Picture, v: Picture) -> tuple[Picture, Picture]:
    # Folded onto the half of one arm, from the tip at (1, 0) to the notch beside it, the outline is
    # a single line.
    arm = math.pi / 5
    turn = (np.arctan2(u, -v) + arm) % (2 * arm) - arm
    normal = np.array([0.47 * math.sin(arm), 1 - 0.47 * math.cos(arm)], np.float32)
    normal /= np.hypot(*normal)
    radius = np.hypot(u, v)
    distance = radius * (np.cos(turn) * normal[0] + np.sin(np.abs(turn)) * normal[1]) - normal[0]
    return distance, 0.8 + 0.45 * _soft(-radius * np.sin(5 * turn) / 5)


def _ring(u: Picture, v: Picture) -> tuple[Picture, Picture]:
    across = (np.hypot(u, v) - 0.74) / 0.26
    light = 1.05 - 0.4 * across**2 - 0.25 * (u + v) * across
    return (np.abs(across) - 1) * 0.26, light


def _soft(inside: Picture) -> Picture:
    """An edge between 0 and 1 over a 25th of a toy, which would look jagged if it were sharp."""
    return np.clip(0.5 + 50 * inside, 0, 1)


@dataclass(frozen=True)
class Toy:
    """A category of the scenes.

    Args:
        category_id: Its id in the annotation files.
        hue_deg: The middle of its colours, which overlap with its neighbours': shape decides.
        shape: Draws it in unit coordinates.
    """

    category_id: int
    hue_deg: float
    shape: Shape


TOYS = {
    "ball": Toy(3, 355, _ball),
    "box": Toy(7, 135, _box),
    "star": Toy(12, 50, _star),
    "ring": Toy(20, 220, _ring),
}
