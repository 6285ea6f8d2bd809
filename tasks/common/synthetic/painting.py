"""Things drawn in code, each on a ground of its own, where there are no photos."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Picture = NDArray[np.floating]
# Unit coordinates (right, down) to the colour there, RGB from 0 to 1, ``(H, W, 3)``, and how much
# of the thing covers each pixel, ``(H, W)``.
Drawing = Callable[[Picture, Picture, Rng], tuple[Picture, Picture]]

# Raised whenever the drawings change, so that old ones are not taken for new ones.
VERSION = 1
SIZE_PX = 160
SCALE_RANGE = (0.5, 0.9)  # of the picture's side
MAX_TURN_RAD = 0.4
JPEG_QUALITY = 92
SHARPNESS = 40  # an edge is a 40th of the unit wide; any less would look jagged


def save_drawing(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Writes an RGB picture as a JPEG."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    path.write_bytes(data.tobytes())


def draw_picture(
    drawing: Drawing, rng: Rng, *, scale_range: tuple[float, float] = SCALE_RANGE
) -> NDArray[np.uint8]:
    """Draws a thing somewhere on a mottled ground, RGB, ``(SIZE_PX, SIZE_PX, 3)``.

    Args:
        drawing: What to draw.
        rng: The only source of randomness.
        scale_range: How large it is, as a share of the picture's side.
    """
    scale = rng.uniform(*scale_range) / 2
    x, y = rng.uniform(scale, 1 - scale, 2)
    turn = rng.uniform(-MAX_TURN_RAD, MAX_TURN_RAD)
    across = (np.arange(SIZE_PX, dtype=np.float32) + 0.5) / SIZE_PX
    right, down = np.meshgrid((across - x) / scale, (across - y) / scale)
    u = right * math.cos(turn) + down * math.sin(turn)
    v = down * math.cos(turn) - right * math.sin(turn)
    colour, cover = drawing(u, v, rng)
    ground = _ground(rng)
    picture = ground + cover[..., None] * (colour * rng.uniform(0.8, 1.1) - ground)
    grain = rng.normal(0, 0.02, picture.shape)
    return (255 * np.clip(picture + grain, 0, 1)).astype(np.uint8)


def soft(inside: Picture) -> Picture:
    """1 where a signed distance says inside, 0 outside, with a soft edge."""
    return np.clip(0.5 + SHARPNESS * inside, 0, 1)


def disc(u: Picture, v: Picture, *, x: float, y: float, radius: float) -> Picture:
    """How much of a disc covers each place."""
    return soft(radius - np.hypot(u - x, v - y))


def paint(ground: Picture, colour: Sequence[float], cover: Picture) -> Picture:
    """Lays a colour over a picture, ``(H, W, 3)``, where it covers it."""
    return ground + cover[..., None] * (np.array(colour, np.float32) - ground)


def plain(u: Picture, colour: Sequence[float]) -> Picture:
    """A picture of one colour."""
    return np.broadcast_to(np.array(colour, np.float32), (*u.shape, 3))


def _ground(rng: Rng) -> Picture:
    blotches = rng.uniform(0.2, 0.9, (4, 4, 3)).astype(np.float32)
    gray = blotches.mean(axis=-1, keepdims=True)
    muted = gray + 0.4 * (blotches - gray)
    return cv2.resize(muted, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_CUBIC)
