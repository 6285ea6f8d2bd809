"""Drawings of six of ImageNet's classes."""

import numpy as np

from tasks.common.synthetic.painting import Drawing, Picture, Rng, disc, paint, plain, soft

BLACK = (0.05, 0.05, 0.05)
WHITE = (0.97, 0.97, 0.95)
RED = (0.85, 0.1, 0.08)
AMBER = (0.95, 0.7, 0.1)
GREEN = (0.1, 0.75, 0.3)


def _zebra(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    stripes = soft(0.1 * np.sin(rng.uniform(11, 16) * (u + 0.15 * np.sin(4 * v))))
    return paint(plain(u, BLACK), WHITE, stripes), soft(1 - np.hypot(u, v / 0.7))


def _ladybug(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    colour = paint(plain(u, RED), BLACK, soft(0.04 - np.abs(u)))
    for x, y in ((0.4, -0.3), (0.5, 0.3), (0.25, 0.65)):
        colour = paint(colour, BLACK, disc(np.abs(u), v, x=x, y=y, radius=rng.uniform(0.12, 0.2)))
    return paint(colour, BLACK, soft(-0.6 - v)), soft(0.95 - np.hypot(u, v))


def _daisy(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    petals = rng.integers(5, 9)
    outline = 0.6 + 0.4 * np.abs(np.cos(petals * np.arctan2(v, u)))
    colour = paint(plain(u, WHITE), AMBER, disc(u, v, x=0, y=0, radius=0.35))
    return colour, soft(outline - np.hypot(u, v))


def _traffic_light(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    colour = plain(u, BLACK)
    lit = rng.integers(3)
    for number, light in enumerate((RED, AMBER, GREEN)):
        shade = light if number == lit else tuple(0.35 * part for part in light)
        colour = paint(colour, shade, disc(u, v, x=0, y=0.6 * (number - 1), radius=0.24))
    return colour, soft(np.minimum(0.38 - np.abs(u), 1 - np.abs(v)))


def _spider_web(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    spokes = np.abs(np.sin(4 * angle)) * radius / 4
    rings = np.abs((rng.uniform(4, 6) * radius * (1 + 0.08 * np.cos(8 * angle))) % 1 - 0.5) / 5
    threads = soft(0.02 - np.minimum(spokes, rings))
    return plain(u, WHITE), threads * soft(1 - radius)


def _crossword(u: Picture, v: Picture, rng: Rng) -> tuple[Picture, Picture]:
    cells = rng.random((7, 7)) < 0.3
    row, column = (np.clip((3.5 * (x + 1)).astype(int), 0, 6) for x in (v, u))
    lines = soft(0.02 - np.minimum(*(np.abs((3.5 * x + 0.5) % 1 - 0.5) / 3.5 for x in (u, v))))
    dark = np.maximum(cells[row, column], lines)
    return paint(plain(u, WHITE), BLACK, dark), soft(0.95 - np.maximum(np.abs(u), np.abs(v)))


# By ImageNet's WordNet ids, which name the folders.
DRAWINGS: dict[str, Drawing] = {
    "n02165456": _ladybug,
    "n02391049": _zebra,
    "n04275548": _spider_web,
    "n06785654": _crossword,
    "n06874185": _traffic_light,
    "n11939491": _daisy,
}
