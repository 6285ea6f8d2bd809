"""Small photos of noise."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_photos(folder: Path, names: list[str], *, size: tuple[int, int] = (40, 30)) -> None:
    """Photos of noise, each another."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
