"""A few scenes, which every labelling tool's layout holds."""

import json
from pathlib import Path
from typing import NamedTuple

from PIL import Image

CLASSES = ("disc", "traffic light")


class Scene(NamedTuple):
    """A photo and the boxes on it: class, x0, y0, x1, y1."""

    name: str
    size: tuple[int, int]
    boxes: tuple[tuple[str, int, int, int, int], ...]


SCENES = [
    Scene(f"scene {n}", (80 + 8 * n, 60), boxes)
    for n, boxes in enumerate(
        [
            (("disc", 10, 12, 30, 40),),
            (("traffic light", 4, 5, 44, 55), ("disc", 50, 20, 61, 37)),
            (),
            (("disc", 0, 0, 20, 20), ("traffic light", 30, 10, 104, 60)),
            (("disc", 11, 13, 33, 43),),
            (("traffic light", 7, 9, 71, 51),),
            (("disc", 21, 12, 38, 40), ("disc", 40, 2, 60, 33)),
            (("traffic light", 17, 19, 71, 51),),
        ]
    )
]
TRAIN, VAL = SCENES[:6], SCENES[6:]
DIVIDED = {"train": TRAIN, "val": VAL}


def photos(folder: Path, scenes: list[Scene], *, prefix: str = "", suffix: str = ".jpg") -> None:
    """Writes the photos, each of its own grey."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        shade = 20 * SCENES.index(scene)
        Image.new("RGB", scene.size, (shade, shade, shade)).save(
            folder / f"{prefix}{scene.name}{suffix}", format="JPEG"
        )


def dump(path: Path, content: object, **options: object) -> None:
    """Writes JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, **options), encoding="utf-8")


def put(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Writes text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)
