"""Faces drawn in code, whose attributes can be seen, in tables as those of real ones."""

import csv
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.synthetic.painting import (
    Picture,
    Rng,
    disc,
    draw_picture,
    paint,
    plain,
    save_drawing,
    soft,
)
from tasks.common.synthetic.write_once import write_once

Colour = tuple[float, float, float]

VERSION = 1
ATTRIBUTES = ("beard", "blond hair", "glasses", "hat", "long hair", "smile")
GROUP = "skin"
SCALE_RANGE = (0.8, 0.95)  # of the picture's side, as where a detector cuts faces out
SKINS: Mapping[str, Colour] = {
    "light": (0.95, 0.8, 0.7),
    "medium": (0.78, 0.57, 0.42),
    "dark": (0.42, 0.28, 0.2),
}
UNKNOWN_SHARE = 0.05  # of the cells, which are left empty as in real tables
BLOND, BROWN = (0.9, 0.78, 0.4), (0.2, 0.13, 0.08)
WHITE, BLACK = (0.97, 0.97, 0.95), (0.05, 0.05, 0.05)
LIPS = (0.65, 0.2, 0.2)


def write_faces(root: Path, *, num_train: int, num_val: int, seed: int) -> None:
    """Writes ``labels_train.csv``, ``labels_val.csv`` and the photos, unless they are there.

    Args:
        root: Gets them and the settings in ``faces.json``.
        num_train: Training faces.
        num_val: Validation faces.
        seed: Decides every pixel and byte, given the versions of the libraries.

    Raises:
        InputError: If a split is empty, or ``root`` holds anything else.
    """
    counts = {"train": num_train, "val": num_val}
    if min(counts.values()) < 1:
        raise InputError(f"Each split needs at least one face, not {counts}")
    settings = {"version": VERSION, "seed": seed, **counts}
    write_once(root, settings, partial(_write_splits, counts=counts, seed=seed), name="faces")


def _write_splits(root: Path, *, counts: Mapping[str, int], seed: int) -> None:
    for number, (split, count) in enumerate(counts.items()):
        (root / split).mkdir()
        with (root / f"labels_{split}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", *ATTRIBUTES, GROUP])
            for index in range(count):
                rng = np.random.default_rng((seed, number, index))
                name = f"{split}/{index:05d}.jpg"
                writer.writerow([name, *_write_face(root / name, rng)])


def _write_face(path: Path, rng: Rng) -> Sequence[str | int]:
    """Draws a face at random, and says what it shows: the cells of its row."""
    there = rng.random(len(ATTRIBUTES)) < 0.5
    skin = str(rng.choice(list(SKINS)))
    known = rng.random(len(ATTRIBUTES)) >= UNKNOWN_SHARE
    drawing = partial(draw_face, shown=dict(zip(ATTRIBUTES, there, strict=True)), skin=skin)
    save_drawing(path, draw_picture(drawing, rng, scale_range=SCALE_RANGE))
    return [*(int(yes) if sure else "" for yes, sure in zip(there, known, strict=True)), skin]


def draw_face(
    u: Picture, v: Picture, rng: Rng, *, shown: Mapping[str, bool], skin: str
) -> tuple[Picture, Picture]:
    """A face from the front: its colours and what it covers, as ``Drawing`` has them."""
    x = np.abs(u)
    head = soft(0.62 - np.hypot(u, v / 1.25))
    hair_colour = BLOND if shown["blond hair"] else BROWN
    hair = soft(0.74 - np.hypot(u, (v + 0.12) / 1.15)) * soft(-0.1 - v)
    if shown["long hair"]:
        hair = np.maximum(hair, soft(np.minimum(0.8 - x, 0.85 - np.abs(v - 0.05))))
    colour = paint(plain(u, hair_colour), SKINS[skin], head * soft(v + 0.45))
    if shown["beard"]:
        beard = soft(0.6 - np.hypot(u, v / 1.25)) * soft(v - 0.22)
        colour = paint(colour, hair_colour, beard)
    colour = _paint_features(colour, u, v, smile=shown["smile"], rng=rng)
    if shown["glasses"]:
        rims = soft(0.035 - np.abs(np.hypot(x - 0.25, v + 0.08) - 0.19))
        bridge = soft(np.minimum(0.08 - x, 0.03 - np.abs(v + 0.1)))
        colour = paint(colour, BLACK, np.maximum(rims, bridge))
    cover = np.maximum(head, hair)
    if shown["hat"]:
        crown = soft(np.minimum(0.55 - x, 0.28 - np.abs(v + 0.68)))
        brim = soft(np.minimum(0.85 - x, 0.07 - np.abs(v + 0.42)))
        hat = np.maximum(crown, brim)
        colour = paint(colour, tuple(rng.uniform(0.1, 0.9, 3)), hat)
        cover = np.maximum(cover, hat)
    return colour, cover


def _paint_features(colour: Picture, u: Picture, v: Picture, *, smile: bool, rng: Rng) -> Picture:
    """Eyes that look somewhere, and a mouth."""
    x, aside = np.abs(u), rng.uniform(-0.03, 0.03)
    colour = paint(colour, WHITE, soft(0.11 - np.hypot(x - 0.25, (v + 0.08) * 1.4)))
    for side in (-0.25, 0.25):
        colour = paint(colour, BLACK, disc(u, v, x=side + aside, y=-0.08, radius=0.05))
    bend = 0.35 - 1.8 * u**2 if smile else 0.3 + 0 * u  # its corners go up
    mouth = soft(np.minimum(0.045 - np.abs(v - bend - 0.05), 0.26 - x))
    return paint(colour, LIPS, mouth)
