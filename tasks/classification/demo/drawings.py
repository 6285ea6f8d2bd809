"""Pictures of one thing each, drawn in code and written as folders of classes.

They stand in for photographs where there are none: real files in the real layout, small enough to
learn in minutes.
"""

import itertools
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.synthetic.painting import VERSION, Drawing, draw_picture, save_drawing
from tasks.common.synthetic.write_once import write_once


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
            save_drawing(root / folder / name / f"{name}_{number}.jpg", picture)
