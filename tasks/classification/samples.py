"""Photos at network size, with and without their class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from backbone.errors import InputError
from tasks.classification.augment import Look
from tasks.classification.photos import Photos
from tasks.common.data import Sample
from tasks.common.sampling import Place


class ClassificationSet(Dataset[Sample]):
    """Photos with a class at network size.

    A sample has ``image`` (uint8, ``(S, S, 3)``), ``target`` (index into the label map) and ``id``
    (index of the photo).

    Args:
        photos: With their classes.
        look: From file to network input.
        seed: With the epoch and the index it decides all that is random.
    """

    def __init__(self, photos: Photos, look: Look, *, seed: int) -> None:
        self.photos = photos
        self.look = look
        self.seed = seed

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, place: Place) -> Sample:
        epoch, index = place
        rng = np.random.default_rng((self.seed, epoch, index))
        image = self.look(self.photos.path(index), rng)
        return {"image": image, "target": int(self.photos.classes[index]), "id": index}


class PhotoSet(Dataset[Sample]):
    """Photos of unknown class at network size; an unreadable one is a sample with an error.

    Args:
        paths: The files.
        look: From file to network input.
    """

    def __init__(self, paths: Sequence[Path], look: Look) -> None:
        self.paths = [str(path) for path in paths]
        self.look = look

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: Place) -> Sample:
        _, index = place
        try:
            image = self.look(Path(self.paths[index]), np.random.default_rng(0))
        except InputError as error:
            return {"id": index, "error": str(error)}
        return {"image": image, "id": index}
