"""The order of samples, a function of the seed, the epoch and nothing else."""

from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.utils.data import Sampler

from tasks.common.data.samples import Place

T = TypeVar("T")

BLOCK = 1 << 16  # indices at a time: as Python numbers, those of a large set would fill gigabytes


class EpochSampler(Sampler[Place]):
    """Permutes a data set anew each epoch and can start in the middle of one.

    Processes share the permutation and take turns, all equally often.

    Args:
        num_samples: Size of the data set.
        seed: Of the permutations.
        batch_size: Samples of a batch, which ``skipped_batches`` counts in.
        epoch: The first epoch.
        skipped_batches: Batches of that epoch which were already trained on.
    """

    def __init__(
        self,
        num_samples: int,
        *,
        seed: int,
        batch_size: int,
        epoch: int,
        skipped_batches: int,
    ) -> None:
        self.num_samples = num_samples
        self.seed = seed
        self.epoch = epoch
        self.skipped = skipped_batches * batch_size

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        if epoch != self.epoch:
            self.epoch, self.skipped = epoch, 0

    def __iter__(self) -> Iterator[Place]:
        for block in self.share()[self.skipped :].split(BLOCK):
            yield from ((self.epoch, index) for index in block.tolist())

    def share(self) -> Tensor:
        """This process's samples of the epoch, in their order."""
        rank, world_size = rank_and_world_size()
        return self.order()[rank::world_size][: self.num_samples // world_size or None]

    def order(self) -> Tensor:
        """The samples of the epoch, of all processes."""
        return torch.randperm(self.num_samples, generator=self.generator())

    def generator(self) -> torch.Generator:
        """The epoch's randomness."""
        return torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)

    def __len__(self) -> int:
        # of a whole epoch: the trainer counts the skipped batches itself
        return max(self.num_samples // rank_and_world_size()[1], 1)


class WindowSampler(EpochSampler):
    """Shows a few groups of samples at a time, in an order for files that hold many samples each.

    Args:
        groups: The group of each sample, from 0, int64 ``(N,)``.
        window: Groups whose samples are mixed.
        **start: See ``EpochSampler``.
    """

    def __init__(self, groups: Tensor, *, window: int, **start: Any) -> None:
        super().__init__(len(groups), **start)
        self.groups = groups
        self.window = window

    def order(self) -> Tensor:
        return shuffled_in_windows(self.groups, window=self.window, generator=self.generator())


def shuffled_in_windows(groups: Tensor, *, window: int, generator: torch.Generator) -> Tensor:
    """All indices, in random order within a few groups at a time, and these in random order too.

    Args:
        groups: The group of each sample, from 0, int64 ``(N,)``.
        window: Groups whose samples are mixed.
        generator: The only source of randomness.

    >>> order = shuffled_in_windows(
    ...     torch.tensor([0, 0, 1, 1, 2, 2]), window=1, generator=torch.Generator().manual_seed(0)
    ... )
    >>> (order // 2).tolist()
    [2, 2, 0, 0, 1, 1]
    """
    num_groups = int(groups.max()) + 1
    windows = torch.empty(num_groups, dtype=torch.long)
    windows[torch.randperm(num_groups, generator=generator)] = torch.arange(num_groups) // window
    order = torch.randperm(len(groups), generator=generator)
    return order[torch.argsort(windows[groups[order]], stable=True)]


class ShardSampler(Sampler[Place]):
    """Every sample once, in order, dealt out to the processes without padding.

    Padding, as PyTorch's own distributed sampler does it, would count samples twice.
    """

    def __init__(self, num_samples: int) -> None:
        self.num_samples = num_samples

    def __iter__(self) -> Iterator[Place]:
        rank, world_size = rank_and_world_size()
        return ((0, index) for index in range(rank, self.num_samples, world_size))

    def __len__(self) -> int:
        rank, world_size = rank_and_world_size()
        return len(range(rank, self.num_samples, world_size))


def rank_and_world_size() -> tuple[int, int]:
    """This process's number and how many there are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def gathered(value: T) -> list[T]:
    """The value that each process has, in their order; all must call this."""
    _, world_size = rank_and_world_size()
    values = [value] * world_size
    if world_size > 1:
        distributed.all_gather_object(values, value)
    return values


def share_buffers(module: nn.Module) -> None:
    """Gives all processes the first one's batch norm statistics, which are those that get saved."""
    if rank_and_world_size()[1] > 1:
        for buffer in module.buffers():
            distributed.broadcast(buffer, src=0)
