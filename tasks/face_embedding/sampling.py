"""The order of training photos that shows a few of each person together."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.common.data.sampling import EpochSampler, rank_and_world_size


class PeopleSampler(EpochSampler):
    """Shows each person once an epoch, in a few photos side by side.

    A batch is then of some people with some photos each, as triplets need it (FaceNet, section 3.2:
    about 40 of a person). Within a batch nobody comes twice, and no photo does. Processes
    take turns by batches. What does not fill a batch of each is left out, of other people in every
    epoch.

    Args:
        people: Whose face each photo shows, from 0 without gaps, ``(N,)``.
        photos_per_person: At most so many, drawn anew each epoch; and at most half a batch, since
            one person alone teaches nothing.
        batch_size: Photos.
        **start: See ``EpochSampler``.
    """

    def __init__(
        self, people: np.ndarray, *, photos_per_person: int, batch_size: int, **start: Any
    ) -> None:
        self.photos_per_person = min(photos_per_person, max(batch_size // 2, 1))
        shown = np.minimum(np.bincount(people), self.photos_per_person).sum()
        super().__init__(int(shown), batch_size=batch_size, **start)
        self.people = people
        self.batch_size = batch_size

    def order(self) -> Tensor:
        rng = np.random.default_rng((self.seed, self.epoch))
        turns = rng.permutation(self.people.max() + 1)[self.people]
        order = np.lexsort((rng.random(len(turns)), turns))
        counts = np.bincount(turns)
        place = np.arange(len(order)) - np.repeat(counts.cumsum() - counts, counts)
        return torch.from_numpy(order[place < self.photos_per_person])

    def share(self) -> Tensor:
        rank, world_size = rank_and_world_size()
        batch = min(self.batch_size, len(self))
        whole = self.order()[: len(self) * world_size]
        return whole.reshape(-1, world_size, batch)[:, rank].flatten()

    def __len__(self) -> int:
        share = self.num_samples // rank_and_world_size()[1]
        return share // self.batch_size * self.batch_size or share
