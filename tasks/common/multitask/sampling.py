"""Several data sets that take turns, in an order that depends on the number of the step alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from tasks.common.data.module import Collate
from tasks.common.data.samples import Place, Sample
from tasks.common.data.sampling import EpochSampler


class JointSet(Dataset[Sample]):
    """Several data sets as one, numbered in turns: the first sample of each, then the second.

    A sample has ``part``, ``id`` (its number) and ``sample``, as the part's data set has it.

    Args:
        sets: By the part's name.
    """

    def __init__(self, sets: Mapping[str, Dataset[Sample]]) -> None:
        self.sets = dict(sets)
        self.names = list(sets)
        lengths = [len(part) for part in sets.values()]  # type: ignore[arg-type]
        part = np.repeat(np.arange(len(lengths)), lengths)
        index = np.concatenate([np.arange(length) for length in lengths])
        order = np.lexsort((part, index))
        self._part, self._index = part[order], index[order]

    def __len__(self) -> int:
        return len(self._part)

    def numbers(self, name: str) -> np.ndarray:
        """The numbers of a part's samples, in their order."""
        return np.flatnonzero(self._part == self.names.index(name))

    def place(self, number: int) -> tuple[str, int]:
        """The part of a sample, and its index in there."""
        return self.names[self._part[number]], int(self._index[number])

    def __getitem__(self, place: Place) -> Sample:
        epoch, number = place
        name, index = self.place(number)
        return {"part": name, "id": number, "sample": self.sets[name][epoch, index]}


def collate(samples: Sequence[Sample], *, parts: Mapping[str, Collate]) -> dict[str, Any]:
    """A batch as ``heads.multitask.shares`` divides it; ``id`` counts through all parts.

    Args:
        samples: Of ``JointSet``.
        parts: Make a batch of each part's own samples.
    """
    images, ids, batches = [], [], {}
    for name, collate_part in parts.items():
        own = [sample for sample in samples if sample["part"] == name]
        if own:
            batches[name] = collate_part([sample["sample"] for sample in own])
            images.append(batches[name].pop("image"))
            ids += [sample["id"] for sample in own]
    return {"image": torch.cat(images), "id": torch.tensor(ids), "errors": [], "parts": batches}


class Turn(NamedTuple):
    """A data set that takes turns with others.

    Attributes:
        order: Makes the order of samples from ``epoch`` and ``skipped_batches``.
        batch_size: Samples of a turn; all there are, if they are fewer.
        numbers: Of the samples in the joint set.
    """

    order: Callable[..., EpochSampler]
    batch_size: int
    numbers: np.ndarray

    def size(self) -> int:
        """Samples of a turn."""
        return min(self.batch_size, len(self.order(epoch=0, skipped_batches=0)))

    def per_epoch(self) -> int:
        """Turns until all samples have been seen, but for an incomplete last turn."""
        return len(self.order(epoch=0, skipped_batches=0)) // self.size()

    def batches(self, first: int) -> Iterator[list[Place]]:
        """The samples of each turn from the ``first`` on, epoch after epoch."""
        size, per_epoch = self.size(), self.per_epoch()
        begin, skipped = divmod(first, per_epoch)
        for epoch in count(begin):
            order = iter(self.order(epoch=epoch, skipped_batches=skipped))
            for _ in range(per_epoch - skipped):
                yield [(at, int(self.numbers[index])) for at, index in islice(order, size)]
            skipped = 0


class JointSampler(Sampler[Place]):
    """A batch of each data set, again and again.

    What a step has depends on its number alone, so that training can go on from any.

    Args:
        turns: The data sets, in the order of a step.
        epoch: The first epoch.
        skipped_batches: Steps of that epoch which are done.
    """

    def __init__(self, turns: Sequence[Turn], *, epoch: int, skipped_batches: int) -> None:
        self.turns = turns
        self.epoch = epoch
        self.skipped = skipped_batches
        self.step_size = sum(turn.size() for turn in turns)
        self.num_steps = max(turn.per_epoch() for turn in turns)

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        if epoch != self.epoch:
            self.epoch, self.skipped = epoch, 0

    def __iter__(self) -> Iterator[Place]:
        first = self.epoch * self.num_steps + self.skipped
        batches = [turn.batches(first) for turn in self.turns]
        for _ in range(self.num_steps - self.skipped):
            for turn in batches:
                yield from next(turn)

    def __len__(self) -> int:
        # of a whole epoch, as EpochSampler's
        return self.num_steps * self.step_size
