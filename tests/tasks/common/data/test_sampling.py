"""Samples in an order that depends on seed and epoch alone, and can start anywhere."""

import pytest
import torch

from tasks.common.data import sampling
from tasks.common.data.sampling import EpochSampler, ShardSampler, shuffled_in_windows


def order(num_samples=10, *, epoch=0, seed=0, batch_size=2, skipped=0):
    sampler = EpochSampler(
        num_samples, seed=seed, batch_size=batch_size, epoch=epoch, skipped_batches=skipped
    )
    return list(sampler)


@pytest.fixture
def as_process(monkeypatch):
    def become(rank, world_size):
        monkeypatch.setattr(sampling, "rank_and_world_size", lambda: (rank, world_size))

    return become


def test_an_epoch_has_every_sample_once_and_says_its_number():
    assert sorted(order(epoch=3)) == [(3, index) for index in range(10)]


def test_the_order_depends_on_seed_and_epoch_alone():
    def indices(**where):
        return [index for _, index in order(**where)]

    assert indices(epoch=1) == indices(epoch=1, batch_size=5)
    assert (
        len({tuple(indices(epoch=epoch, seed=seed)) for epoch in range(4) for seed in range(4)})
        == 16
    )


def test_skipping_leaves_the_rest_as_it_was():
    assert order(epoch=2, skipped=3) == order(epoch=2)[6:]


def test_only_the_first_epoch_is_skipped_into():
    sampler = EpochSampler(10, seed=0, batch_size=2, epoch=2, skipped_batches=3)
    sampler.set_epoch(2)  # as the trainer says it again on resuming
    assert list(sampler) == order(epoch=2)[6:]
    sampler.set_epoch(3)
    assert list(sampler) == order(epoch=3)
    assert len(sampler) == 10


@pytest.mark.parametrize("num_samples", [8, 11, 2])
def test_processes_share_an_epoch_equally_without_overlap(as_process, num_samples):
    shares = []
    for rank in range(2):
        as_process(rank, 2)
        shares.append(order(num_samples))
    assert len(shares[0]) == len(shares[1]) == num_samples // 2
    assert not set(shares[0]) & set(shares[1])


@pytest.mark.parametrize("num_samples", [0, 1, 5, 8])
def test_processes_share_an_evaluation_without_padding(as_process, num_samples):
    seen = []
    for rank in range(3):
        as_process(rank, 3)
        sampler = ShardSampler(num_samples)
        assert len(list(sampler)) == len(sampler)
        seen += list(sampler)
    assert sorted(seen) == [(0, index) for index in range(num_samples)]


@pytest.mark.parametrize("window", [1, 2, 3, 100])
def test_photos_are_mixed_within_a_few_shards(window: int) -> None:
    shards = torch.arange(60) // 10
    seen = set()
    for seed in range(5):
        order = shuffled_in_windows(
            shards, window=window, generator=torch.Generator().manual_seed(seed)
        )
        assert sorted(order.tolist()) == list(range(60))
        for part in shards[order].split(10 * window):
            assert len(part.unique()) == min(window, 6, len(part) // 10)
        seen.add(tuple(order.tolist()))
    assert len(seen) == 5
