"""An Earth of a few towns, whose photos show where they were taken: by the trees and the houses.

What grows tells the latitude, how people build the longitude; light, colours of the ground, sizes
and places in the picture tell nothing.
"""

import csv
import math
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbone.errors import InputError
from tasks.common.synthetic.painting import (
    SIZE_PX,
    Drawing,
    Picture,
    Rng,
    disc,
    paint,
    plain,
    save_drawing,
    soft,
)
from tasks.common.synthetic.write_once import write_once
from tasks.geolocation.cells.sphere import Points, unit_vectors, vector_points

# Raised whenever the drawings change, so that old ones are not taken for new ones.
VERSION = 1
SPREAD_RAD = 0.02  # of photos around their town: 130 km
PHOTOS_OF_A_PLACE = 4
SPLITS = ("train", "val")


def write_earth(root: Path, *, num_photos: dict[str, int], seed: int) -> None:
    """Writes ``photos.csv`` and ``photos/``, unless they are there already.

    Args:
        root: Gets them, and the settings in ``earth.json``.
        num_photos: Of each split; towns take turns, and a place has up to four photos.
        seed: Decides every pixel and byte, given the versions of the libraries.

    Raises:
        InputError: If a split is empty, or ``root`` holds anything else.
    """
    if min(num_photos.values()) < 1:
        raise InputError(f"Each split needs at least one photo, not {num_photos}")
    settings = {"version": VERSION, "seed": seed, "num_photos": num_photos}
    write = partial(_write_photos, num_photos=num_photos, seed=seed)
    write_once(root, settings, write, name="earth")


def _write_photos(root: Path, *, num_photos: dict[str, int], seed: int) -> None:
    (root / "photos").mkdir()
    rows = []
    for split, count in num_photos.items():
        for number in range(count):
            place, photo = divmod(number, PHOTOS_OF_A_PLACE)
            key = (seed, SPLITS.index(split), place)
            latitude, longitude = place_near(place % len(TOWNS), np.random.default_rng(key))
            name = f"{split}_{place}_{photo}.jpg"
            picture = draw_town(place % len(TOWNS), np.random.default_rng((*key, photo)))
            save_drawing(root / "photos" / name, picture)
            rows.append((name, f"{latitude:.5f}", f"{longitude:.5f}", f"{split}_{place}", split))
    with (root / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "latitude", "longitude", "place", "split"))
        writer.writerows(rows)


def place_near(town: int, rng: Rng) -> Points:
    """A place around a town, ``(2,)``."""
    _, _, point = TOWNS[town]
    return vector_points(unit_vectors(point) + rng.normal(0, SPREAD_RAD, 3))


def draw_town(town: int, rng: Rng) -> NDArray[np.uint8]:
    """A photo taken in a town, RGB, ``(SIZE_PX, SIZE_PX, 3)``."""
    tree, house, _ = TOWNS[town]
    across = (np.arange(SIZE_PX, dtype=np.float32) + 0.5) / SIZE_PX
    x, y = np.meshgrid(across, across)
    horizon = rng.uniform(0.45, 0.65)
    sky = np.array([0.5, 0.6, 0.8]) + rng.uniform(-0.2, 0.2, 3)
    ground = np.array([0.6, 0.5, 0.35]) + rng.uniform(-0.25, 0.25, 3)
    picture = np.where(
        (y < horizon + 0.02 * np.sin(9 * x + rng.uniform(0, 6)))[..., None], sky, ground
    )
    sides = rng.permutation([rng.uniform(0.2, 0.3), rng.uniform(0.7, 0.8)])
    for drawing, middle in zip((tree, house), sides, strict=True):
        scale = rng.uniform(0.24, 0.3)
        foot = horizon + rng.uniform(0.05, 0.15)
        u, v = (x - middle) / scale, (y - foot + scale) / scale  # its foot is at v = 1
        colour, cover = drawing(u, v, rng)
        picture = picture + cover[..., None] * (colour * rng.uniform(0.7, 1.1) - picture)
    grain = rng.normal(0, 0.02, picture.shape)
    return (255 * np.clip(picture * rng.uniform(0.7, 1.1) + grain, 0, 1)).astype(np.uint8)


def _polygon(u: Picture, v: Picture, *corners: tuple[float, float]) -> Picture:
    """How much of a convex polygon, given clockwise as seen, covers each place."""
    sides = []
    for (x, y), (other_x, other_y) in zip(corners, (*corners[1:], corners[0]), strict=True):
        length = math.hypot(other_x - x, other_y - y)
        sides.append(((other_x - x) * (v - y) - (other_y - y) * (u - x)) / length)
    return soft(np.min(sides, axis=0))


def _box(u: Picture, v: Picture, *, x: float, left: float, top: float, bottom: float) -> Picture:
    """A box around ``x``, half of which is ``left`` wide."""
    return _polygon(u, v, (x - left, top), (x + left, top), (x + left, bottom), (x - left, bottom))


def _greenery(rng: Rng) -> NDArray[np.floating]:
    return np.array([[0.1, 0.45, 0.15], [0.35, 0.2, 0.1]]) + rng.uniform(-0.1, 0.1, (2, 3))


def _colours(rng: Rng) -> NDArray[np.floating]:
    return np.array([[0.9], [0.6], [0.2]]) + rng.uniform(-0.2, 0.2, (3, 3))


def _fir(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    green, brown = _greenery(rng)
    trunk = _box(u, v, x=0, left=0.1, top=0.5, bottom=1)
    tiers = [
        _polygon(u, v, (0, top), (0.6, top + 0.8), (-0.6, top + 0.8)) for top in (-1, -0.6, -0.2)
    ]
    needles = np.max(tiers, axis=0)
    return paint(plain(u, brown), green, needles), np.maximum(trunk, needles)


def _palm(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    green, brown = _greenery(rng)
    angle, far = np.arctan2(v + 0.5, u), np.hypot(u, v + 0.5)
    leaves = soft(0.15 - np.abs(np.sin(3 * angle)) * far / 2) * soft(0.75 - far)
    trunk = _box(u, v, x=0, left=0.06, top=-0.5, bottom=1)
    return paint(plain(u, brown), green, leaves), np.maximum(trunk, leaves)


def _cactus(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    green, _ = _greenery(rng)
    side = np.abs(u)
    stem = soft(0.18 - np.hypot(u, np.maximum(-0.8 - v, 0))) * soft(1 - v)
    beam = _box(side, v, x=0.3, left=0.35, top=0.05, bottom=0.3)
    arm = _box(side, v, x=0.55, left=0.12, top=-0.45, bottom=0.3)
    return plain(u, green), np.max([stem, beam, arm], axis=0)


def _gable(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    wall, roof, door = _colours(rng)
    walls = _box(u, v, x=0, left=0.7, top=0, bottom=1)
    gable = _polygon(u, v, (0, -0.9), (0.95, 0.05), (-0.95, 0.05))
    colour = paint(plain(u, wall), door, _box(u, v, x=0, left=0.18, top=0.4, bottom=1))
    return paint(colour, roof, gable), np.maximum(walls, gable)


def _tent(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    cloth, door, _ = _colours(rng)
    opening = _polygon(u, v, (0, 0), (0.25, 1), (-0.25, 1))
    return paint(plain(u, cloth), door, opening), _polygon(u, v, (0, -1), (0.9, 1), (-0.9, 1))


def _dome(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    stone, door, _ = _colours(rng)
    arch = np.maximum(
        disc(u, v, x=0, y=0.7, radius=0.25), _box(u, v, x=0, left=0.25, top=0.7, bottom=1)
    )
    return paint(plain(u, stone), door, arch), disc(u, v, x=0, y=1, radius=1) * soft(1 - v)


def _steps(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    stone, _, _ = _colours(rng)
    steps = [
        _box(u, v, x=0, left=1 - 0.25 * step, top=0.5 - 0.5 * step, bottom=1) for step in range(4)
    ]
    return plain(u, stone), np.max(steps, axis=0)


TREES: dict[Drawing, float] = {_fir: 55, _palm: 5, _cactus: -30}  # at the latitude
HOUSES: dict[Drawing, float] = {_steps: -65, _gable: 10, _dome: 55, _tent: 130}  # the longitude
TOWNS = [
    (tree, house, (latitude, longitude))
    for tree, latitude in TREES.items()
    for house, longitude in HOUSES.items()
]
