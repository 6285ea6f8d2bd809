"""Pairs of photos that show the same person or two."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Pairs:
    """``P`` pairs of ``N`` different photos.

    Attributes:
        file: That lists them.
        paths: The photos.
        names: Whose each is.
        photos: Index of the two photos of each pair, ``(P, 2)``.
        same: Whether they show the same person, ``(P,)``.
        fold: Which part each pair is in, ``(P,)``.
        named: Whether photos of two names are of two people; else ``same`` alone tells.
    """

    file: Path
    paths: list[Path]
    names: list[str]
    photos: np.ndarray
    same: np.ndarray
    fold: np.ndarray
    named: bool = True

    def __len__(self) -> int:
        return len(self.same)
