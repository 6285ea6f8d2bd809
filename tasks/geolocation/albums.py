"""Albums as samples: photos of one place, shown together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from tasks.common.data import photo_sets
from tasks.common.data.samples import Place, Sample


class AlbumSet(Dataset[list[Sample]]):
    """Photos of the same album, a few at a time.

    A sample is a list of samples of photos, each with ``album``, the number of the list.

    Args:
        photos: Samples by ``(epoch, index)``.
        albums: Number of the album that each photo is of, ``(N,)``.
        size: Photos shown together, at most; a larger album makes several samples.
    """

    def __init__(self, photos: Dataset[Sample], albums: np.ndarray, *, size: int) -> None:
        self.photos = photos
        order = np.argsort(albums, kind="stable")
        ends = np.flatnonzero(np.diff(albums[order])) + 1
        self.groups = [
            whole[start : start + size]
            for whole in np.split(order, ends)
            for start in range(0, len(whole), size)
        ]

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, place: Place) -> list[Sample]:
        epoch, number = place
        samples = [self.photos[epoch, int(index)] for index in self.groups[number]]
        return [{**sample, "album": number} for sample in samples]


def flattened(samples: Sequence[Sample | list[Sample]]) -> list[Sample]:
    """The photos of some albums, one after the other; photos are left as they are."""
    return [
        photo for sample in samples for photo in (sample if isinstance(sample, list) else [sample])
    ]


def collate(samples: Sequence[Sample | list[Sample]], *, image_size: int) -> dict[str, Any]:
    """Stacks samples, with ``album`` where photos were shown in albums."""
    photos = flattened(samples)
    batch = photo_sets.collate(photos, image_size=image_size)
    if photos and "album" in photos[0]:
        batch["album"] = torch.tensor([photo["album"] for photo in photos])
    return batch
