"""Perceptual hashes: bits that a photo and its copies have nearly all in common."""

from collections.abc import Iterator
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageOps

from tasks.common.images.decoding import read_image

SIDE = 16  # frequencies each way; the usual 8 cannot tell crops from other photos of a breed
NUM_BITS = SIDE**2
NUM_WORDS = NUM_BITS // 64
MIN_SIDE = 128  # pixels; pHash looks at 64, and a JPEG may be decoded at reduced scale
CROP = 0.05  # of each side, which a copy may lack


def hash_photo(path: Path) -> np.ndarray:
    """The perceptual hash of a photo, uint64 ``(NUM_WORDS,)``.

    Raises:
        InputError: If it cannot be read.
    """
    return _hash(_gray(path))


def hash_views(path: Path) -> np.ndarray:
    """Hashes of a photo as its copies may show it, uint64 ``(12, NUM_WORDS)``.

    Whole, without its borders, and without two borders that meet, in four ways; and all of these
    mirrored. A crop moves every frequency: its bits are near those of a like crop only.

    Raises:
        InputError: If it cannot be read.
    """
    image = _gray(path)
    return np.stack(
        [_hash(view) for both in (image, ImageOps.mirror(image)) for view in _crops(both)]
    )


def _crops(image: Image.Image) -> Iterator[Image.Image]:
    width, height = image.size
    x, y = width * CROP, height * CROP
    yield image
    yield image.crop((round(x / 2), round(y / 2), round(width - x / 2), round(height - y / 2)))
    for left in (0, x):
        for top in (0, y):
            box = (left, top, left + width - x, top + height - y)
            yield image.crop(tuple(map(round, box)))  # type: ignore[arg-type]


def _gray(path: Path) -> Image.Image:
    image = Image.fromarray(read_image(path, min_side=MIN_SIDE).pixels)
    return image.convert("L")


def _hash(image: Image.Image) -> np.ndarray:
    return np.packbits(imagehash.phash(image, SIDE).hash).view(np.uint64)
