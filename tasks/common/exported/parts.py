"""Files that take a fixed number of photos, run on any number."""

from collections.abc import Callable

import numpy as np


def in_parts(
    run: Callable[[np.ndarray], dict[str, np.ndarray]], image: np.ndarray, *, size: int | None
) -> dict[str, np.ndarray]:
    """Runs a file on so many photos at a time; the last part is filled up with its last photo.

    Args:
        run: From photos to outputs by name, each with a row a photo.
        image: At least one photo, ``uint8`` of shape ``(B, S, S, 3)``.
        size: Photos that the file takes; None for any number.
    """
    if size is None:
        return run(image)
    found = []
    for start in range(0, len(image), size):
        part = image[start : start + size]
        filled = np.concatenate([part, part[-1:].repeat(size - len(part), axis=0)])
        found.append({name: value[: len(part)] for name, value in run(filled).items()})
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def whole_parts(photos: np.ndarray, *, size: int) -> np.ndarray:
    """Photos in parts of so many, shape ``(parts, size, S, S, 3)``; what makes no part is left out.

    Fewer than one part come again and again, until they make one.
    """
    number = max(len(photos) // size, 1)
    return photos[np.arange(number * size) % len(photos)].reshape(number, size, *photos.shape[1:])
