"""Drawn people in whose photos MTCNN finds a face, or does not."""

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.common.synthetic.painting import draw_picture
from tasks.face_embedding.drawn_people import NUM_TRAITS, draw_person

FOUND = {"ann": 0, "bob": 1, "cid": 5}  # in four photos each
NEVER_FOUND = 4

# A step of training on what ``write_people`` writes.
RUN = (
    *("task=facenet", "data.identities=people", "data.pairs=pairs.txt", "data.pairs_root=people"),
    *("data.cache=cache", "data.num_workers=0", "data.image_size=64", "data.batch_size=4"),
    *("backbone.width=0.25", "trainer.max_steps=1", "pictures.count=0", "ema_decay=null"),
    "run_dir=run",
)


def photo_of(person: int, number: int = 1) -> Image.Image:
    """A photo of 160 pixels, numbered from 1."""
    rng = np.random.default_rng((0, 1, person))
    drawing = partial(draw_person, traits=rng.uniform(-1, 1, NUM_TRAITS))
    return Image.fromarray([draw_picture(drawing, rng) for _ in range(number)][-1])


def write_people(root: Path) -> Path:
    """Three people with four photos each, and two pairs of them."""
    for name, person in FOUND.items():
        (root / "people" / name).mkdir(parents=True)
        for number in range(1, 5):
            photo_of(person, number).save(root / "people" / name / f"{name}_{number:04d}.png")
    (root / "pairs.txt").write_text("1 1\nann 1 2\nbob 1 cid 2\n")
    return root
