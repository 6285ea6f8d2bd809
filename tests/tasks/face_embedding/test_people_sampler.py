"""Batches hold several photos of each of several people, in an order that can start anywhere."""

from collections import Counter

import numpy as np
import pytest

from tasks.common.data import sampling as common_sampling
from tasks.face_embedding import sampling
from tasks.face_embedding.sampling import PeopleSampler

PEOPLE = np.repeat(np.arange(6), [1, 2, 3, 5, 8, 13])


def sampler(*, batch_size: int = 8, epoch: int = 0, skipped: int = 0, seed: int = 0, each: int = 4):
    return PeopleSampler(
        PEOPLE,
        photos_per_person=each,
        batch_size=batch_size,
        seed=seed,
        epoch=epoch,
        skipped_batches=skipped,
    )


@pytest.fixture
def as_process(monkeypatch):
    def become(rank, world_size):
        for module in (sampling, common_sampling):
            monkeypatch.setattr(module, "rank_and_world_size", lambda: (rank, world_size))

    return become


def test_an_epoch_shows_each_person_once_by_a_few_photos():
    one = sampler(batch_size=18, epoch=3)
    places = list(one)
    assert len(places) == len(one) == 18 and {epoch for epoch, _ in places} == {3}
    photos = [index for _, index in places]
    assert len(set(photos)) == 18
    whose = PEOPLE[photos]
    assert Counter(whose.tolist()) == {0: 1, 1: 2, 2: 3, 3: 4, 4: 4, 5: 4}
    assert (np.diff(whose) != 0).sum() == 5  # side by side


@pytest.mark.parametrize("epoch", range(5))
def test_no_batch_is_of_one_person_alone(epoch: int):
    for batch_size, each in ((8, 40), (4, 4), (2, 9)):
        some = sampler(batch_size=batch_size, epoch=epoch, each=each)
        photos = [index for _, index in some]
        assert len(photos) == len(some) and len(photos) % batch_size == 0
        batches = PEOPLE[photos].reshape(-1, batch_size)
        assert all(len(set(batch)) > 1 for batch in batches)
        assert all(max(Counter(batch).values()) <= batch_size // 2 for batch in batches.tolist())


def test_the_order_depends_on_seed_and_epoch_alone_and_can_start_anywhere():
    orders = {tuple(sampler(epoch=e, seed=s)) for e in range(4) for s in range(4)}
    assert len(orders) == 16 and list(sampler(epoch=1)) == list(sampler(epoch=1))
    assert list(sampler(epoch=2, skipped=1)) == list(sampler(epoch=2))[8:]
    again = sampler(epoch=2, skipped=1)
    again.set_epoch(2)
    assert list(again) == list(sampler(epoch=2))[8:]
    again.set_epoch(3)
    assert list(again) == list(sampler(epoch=3))


@pytest.mark.parametrize("batch_size", [4, 8, 100])
def test_processes_share_an_epoch_by_batches(as_process, batch_size: int):
    shares = []
    for rank in range(2):
        as_process(rank, 2)
        shares.append([index for _, index in sampler(batch_size=batch_size)])
        assert len(shares[-1]) == len(sampler(batch_size=batch_size))
    assert len(shares[0]) == len(shares[1]) > 0
    assert not set(shares[0]) & set(shares[1])
