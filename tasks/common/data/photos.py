"""Photos and what is to be learnt of each as a whole, in arrays."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.images.bad_images import find_bad_images, skipped
from tasks.common.images.decoding import ImageFile, check_image, read_image


@dataclass(frozen=True, eq=False)
class Photos:
    """``N`` photos with a target each.

    Arrays throughout: Python objects per photo would be copied, page by page, into every worker.

    Attributes:
        folder: Where they are.
        file_names: Relative to it, as bytes, which take a quarter of the memory, ``(N,)``.
        targets: What is to be learnt of each, ``(N, ...)``; of one among classes, its index in
            ``label_map``.
        label_map: The classes; not all of them need have photos here.
        notes: What was skipped: how many, then a colon and which.
    """

    folder: Path
    file_names: np.ndarray
    targets: np.ndarray
    label_map: LabelMap
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.file_names)

    def path(self, index: int) -> Path:
        """The file of a photo."""
        return self.folder / os.fsdecode(self.file_names[index])

    def name(self, index: int) -> str:
        """What a user finds a photo by in the data set."""
        return os.fsdecode(self.file_names[index])

    def image(self, index: int) -> ImageFile:
        """What to read a photo from."""
        return self.path(index)

    def select(self, chosen: np.ndarray) -> Self:
        """Some of the photos, by index or mask."""
        return replace(self, file_names=self.file_names[chosen], targets=self.targets[chosen])


PhotosT = TypeVar("PhotosT", bound=Photos)


def relative_names(folder: Path, paths: Sequence[Path]) -> np.ndarray:
    """The names of files as ``Photos`` keeps them, relative to a folder above them."""
    return np.array([os.fsencode(path.relative_to(folder)) for path in paths])


def check_photos(photos: PhotosT, *, on_bad_image: str) -> PhotosT:
    """Checks that every photo can be read.

    Args:
        photos: The photos to check.
        on_bad_image: ``error``, which looks at the beginning and end of each file, or ``skip``,
            which decodes each one, so that none can fail later, and leaves out the bad ones.

    Raises:
        InputError: If photos are bad under ``error``, or no good one is left.
    """
    check = read_image if on_bad_image == "skip" else check_image

    def problem(index: int) -> str | None:
        try:
            check(photos.image(index))
        except InputError as error:
            return str(error)
        return None

    bad = find_bad_images(problem, len(photos), folder=photos.folder, on_bad_image=on_bad_image)
    if not bad:
        return photos
    kept = photos.select(np.delete(np.arange(len(photos)), list(bad)))
    return replace(kept, notes=(*photos.notes, *skipped(bad)))
