"""People drawn in code: faces to learn from, pairs to validate on, and a teacher who knows them."""

import itertools
from functools import partial
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.files.keyed_rows import KeyedRows, photo_keys
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

# Raised whenever the drawings change, so that old ones are not taken for new ones.
VERSION = 1
NUM_TRAITS = 12  # numbers from -1 to 1 that a drawn person consists of
NUM_FOLDS = 2
PHOTOS_EACH = 4  # of a person to train on who has a folder
DIMENSION = 128
WHITE, BLACK = (0.97, 0.97, 0.95), (0.05, 0.05, 0.05)


def write_people(root: Path, *, num_train: int, num_val: int, seed: int) -> None:
    """Writes faces, pairs and targets, unless they are there already.

    ``faces/`` has faces without names, ``people/`` a folder for each person of ``pairs.txt``, and
    ``teacher/`` an embedding of each training face: a person's traits, turned to more dimensions.

    Args:
        root: Gets them and the settings in ``people.json``.
        num_train: Faces to train on, each of a person of its own.
        num_val: Pairs of each kind in each of two folds.
        seed: Decides every pixel and byte, given the versions of the libraries.

    Raises:
        InputError: If there are too few, or ``root`` holds anything else.
    """
    if num_train < 1 or num_val < 1:
        raise InputError(f"At least one face and one pair are needed, not {num_train}, {num_val}")
    settings = {"version": VERSION, "seed": seed, "num_train": num_train, "num_val": num_val}
    write = partial(_write_taught, num_train=num_train, num_val=num_val, seed=seed)
    write_once(root, settings, write, name="people")


def write_identities(root: Path, *, num_train: int, num_val: int, seed: int) -> None:
    """Writes people to train on and pairs, unless they are there already.

    ``identities/`` has a folder for each person to train on, ``people/`` for each of ``pairs.txt``.

    Args:
        root: Gets them and the settings in ``identities.json``.
        num_train: Photos to train on, four of each person.
        num_val: Pairs of each kind in each of two folds.
        seed: Decides every pixel and byte, given the versions of the libraries.

    Raises:
        InputError: If there are too few, or ``root`` holds anything else.
    """
    if num_train < 2 * PHOTOS_EACH or num_val < 1:
        raise InputError(
            f"At least {2 * PHOTOS_EACH} photos and one pair are needed, not {num_train}, {num_val}"
        )
    settings = {"version": VERSION, "seed": seed, "num_train": num_train, "num_val": num_val}
    write = partial(_write_named, num_train=num_train, num_val=num_val, seed=seed)
    write_once(root, settings, write, name="identities")


def _write_named(root: Path, *, num_train: int, num_val: int, seed: int) -> None:
    for number in range(num_train // PHOTOS_EACH):
        rng = np.random.default_rng((seed, 0, number))
        drawing = partial(draw_person, traits=rng.uniform(-1, 1, NUM_TRAITS))
        folder = root / "identities" / f"Taught_{number:05d}"
        folder.mkdir(parents=True)
        for photo in range(1, PHOTOS_EACH + 1):
            save_drawing(folder / f"{folder.name}_{photo:04d}.jpg", draw_picture(drawing, rng))
    _write_pairs(root, num_val=num_val, seed=seed)


def _write_taught(root: Path, *, num_train: int, num_val: int, seed: int) -> None:
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(DIMENSION, NUM_TRAITS)))[0]
    (root / "faces").mkdir()
    paths, targets = [], []
    for number in range(num_train):
        rng = np.random.default_rng((seed, 0, number))
        traits = rng.uniform(-1, 1, NUM_TRAITS)
        paths.append(root / "faces" / f"{number:05d}.jpg")
        save_drawing(paths[-1], draw_picture(partial(draw_person, traits=traits), rng))
        targets.append(turn @ traits / np.linalg.norm(traits))
    rows = KeyedRows(root / "teacher", setting="data.root")
    rows.describe(
        {"teacher": {"trained_on": ["demo"]}, "photos": {"alignment": "none"}, "classes": []}
    )
    rows.add(photo_keys(paths), np.array(targets, np.float16)[:, None])
    _write_pairs(root, num_val=num_val, seed=seed)


def _write_pairs(root: Path, *, num_val: int, seed: int) -> None:
    """Folds of pairs; each person is in one pair of each kind, beside the next of the fold."""
    lines = [f"{NUM_FOLDS}\t{num_val}"]
    for fold in range(NUM_FOLDS):
        names = [f"Drawn_{fold}{number:04d}" for number in range(num_val + 1)]
        for number, name in enumerate(names):
            (root / "people" / name).mkdir(parents=True)
            rng = np.random.default_rng((seed, 1 + fold, number))
            drawing = partial(draw_person, traits=rng.uniform(-1, 1, NUM_TRAITS))
            for photo in (1, 2):
                save_drawing(
                    root / "people" / name / f"{name}_{photo:04d}.jpg", draw_picture(drawing, rng)
                )
        lines += [f"{name}\t1\t2" for name in names[:-1]]
        lines += [f"{one}\t1\t{other}\t2" for one, other in itertools.pairwise(names)]
    (root / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_person(u: Picture, v: Picture, rng: Rng, *, traits: np.ndarray) -> tuple[Picture, Picture]:
    """A face from the front: its colours and what it covers, as ``Drawing`` has them.

    Args:
        u: Right, in units of the face.
        v: Down.
        rng: For what differs between two pictures of one person: where the eyes look.
        traits: What does not.
    """
    skin, red, hair, grey, width, brow, eyes, apart, nose, mouth, lips, fringe = traits
    x = np.abs(u)
    shape = np.hypot(u / (0.66 + 0.12 * width), v / 0.85)
    head = soft(0.8 * (1 - shape))
    colour = plain(u, (0.65 + 0.25 * skin, 0.48 + 0.25 * skin + 0.06 * red, 0.4 + 0.2 * skin))
    hair_colour = (0.45 + 0.4 * hair, 0.38 + 0.3 * hair + 0.08 * grey, 0.3 + 0.25 * grey)
    top = soft(0.9 - np.hypot(u / (0.75 + 0.12 * width), v)) * soft(-0.45 - 0.15 * fringe - v)
    colour = paint(colour, hair_colour, top)
    at = 0.28 + 0.07 * apart
    size = 0.12 + 0.04 * eyes
    colour = paint(colour, WHITE, soft(size - np.hypot(x - at, (v + 0.12) * 1.4)))
    aside = rng.uniform(-0.03, 0.03)
    for side in (-at, at):
        colour = paint(colour, BLACK, disc(u, v, x=side + aside, y=-0.12, radius=0.055))
    thick = 0.035 + 0.02 * brow
    colour = paint(
        colour, hair_colour, soft(np.minimum(thick - np.abs(v + 0.33), 0.15 - np.abs(x - at)))
    )
    dark = tuple(0.6 * part for part in colour[len(u) // 2, len(u) // 2])
    end = 0.2 + 0.08 * nose
    colour = paint(colour, dark, soft(np.minimum(0.03 - x, np.minimum(v + 0.1, end - v))))
    red_lips = (0.65 + 0.2 * lips, 0.25, 0.25 - 0.1 * lips)
    half = 0.22 + 0.1 * mouth
    colour = paint(
        colour, red_lips, soft(np.minimum(0.05 + 0.02 * lips - np.abs(v - 0.48), half - x))
    )
    return colour, np.maximum(head, top)
