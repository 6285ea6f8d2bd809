"""Pictures that differ as photos do, with as much in every part, and copies of them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


def picture(seed: int) -> Image.Image:
    """A cloudy picture, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (15, 20, 3), dtype=np.uint8))
    return coarse.resize((320, 240), Image.Resampling.BICUBIC)


def saved_anew(image: Image.Image, quality: int = 60) -> Image.Image:
    """What a JPEG file makes of it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def cropped(image: Image.Image) -> Image.Image:
    """Without 5% of each side, 2% and 3% of them left and right, 4% and 1% above and below."""
    width, height = image.size
    box = (0.02 * width, 0.04 * height, 0.97 * width, 0.99 * height)
    return image.crop(tuple(map(round, box)))  # type: ignore[arg-type]


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved anew": saved_anew,
    "mirrored": ImageOps.mirror,
    "smaller": lambda image: saved_anew(image.resize((150, 112))),
    "squeezed": lambda image: image.resize((224, 224)),
    "cropped": lambda image: saved_anew(cropped(image)),
    "cropped and mirrored": lambda image: ImageOps.mirror(cropped(image)),
}


def write(path: Path, image: Image.Image) -> Path:
    """Saves a picture, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path
