"""Pictures of one thing each, drawn in code and written as folders of classes.

They stand in for photographs where there are none: real files in the real layout, small enough to
learn in minutes.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backbone.errors import InputError
from tasks.common.drawn import write_once

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


def write_drawings(
    root: Path, *, drawings: Mapping[str, Drawing], num_images: Mapping[str, int], seed: int
) -> None:
    """Writes a folder for each split, with a folder for each class, unless they are there already.

    Args:
        root: Gets the folders and the settings in ``drawings.json``.
        drawings: By the name of the class folder.
        num_images: By the name of the split's folder; classes take turns.
        seed: Decides every pixel and byte, given the versions of the libraries.

    Raises:
        InputError: If a split is empty, or ``root`` holds anything else.
    """
    if min(num_images.values()) < 1:
        raise InputError(f"Each split needs at least one picture, not {dict(num_images)}")
    settings = {
        "version": VERSION,
        "seed": seed,
        "classes": list(drawings),
        "num_images": dict(num_images),
    }
    write = partial(_write_splits, drawings=drawings, num_images=num_images, seed=seed)
    write_once(root, settings, write, name="drawings")


def _write_splits(
    root: Path, *, drawings: Mapping[str, Drawing], num_images: Mapping[str, int], seed: int
) -> None:
    for split, (folder, count) in enumerate(num_images.items()):
        for name in drawings:
            (root / folder / name).mkdir(parents=True)
        for number, name in zip(range(count), itertools.cycle(drawings), strict=False):
            picture = draw_picture(drawings[name], np.random.default_rng((seed, split, number)))
            bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
            _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (root / folder / name / f"{name}_{number}.jpg").write_bytes(data.tobytes())


def draw_picture(drawing: Drawing, rng: Rng) -> NDArray[np.uint8]:
    """Draws a thing somewhere on a mottled ground, RGB, ``(SIZE_PX, SIZE_PX, 3)``."""
    scale = rng.uniform(*SCALE_RANGE) / 2
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
