"""LFW's protocol beside a slow and plain one, and in named cases."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.face_embedding.metric import VerificationMetric
from tasks.face_embedding.pairs import Pairs
from tasks.face_embedding.records import EmbeddingRecords
from tasks.face_embedding.verification import (
    best_threshold,
    cross_validated,
    distance_at_far,
    roc,
    stranger_distances,
    tar_at_far,
)


def slow_threshold(distances: list[float], same: list[bool]) -> float:
    """Tries every threshold halfway between two distances, and beyond both ends."""
    values = sorted(set(distances))
    tried = [values[0] - 1, *((a + b) / 2 for a, b in itertools.pairwise(values))]
    tried.append(values[-1] + 1)
    right = [sum((d < t) == s for d, s in zip(distances, same, strict=True)) for t in tried]
    best = [t for t, number in zip(tried, right, strict=True) if number == max(right)]
    return best[len(best) // 2]


def random_pairs(num_photos: int = 40, num_folds: int = 4, num_each: int = 6) -> Pairs:
    rng = np.random.default_rng(0)
    number = 2 * num_folds * num_each
    photos = np.array([rng.choice(num_photos, 2, replace=False) for _ in range(number)])
    same = np.arange(number) // num_each % 2 == 0
    paths = [Path(f"{index}.jpg") for index in range(num_photos)]
    fold = np.arange(number) // (2 * num_each)
    return Pairs(Path("pairs.txt"), paths, ["x"] * num_photos, photos, same, fold)


@pytest.mark.parametrize("seed", range(5))
def test_metric_equals_a_slow_one_on_random_embeddings(seed: int) -> None:
    pairs = random_pairs()
    generator = torch.Generator().manual_seed(seed)
    points = torch.nn.functional.normalize(torch.randn(40, 8, generator=generator))
    metric = VerificationMetric(pairs, dimension=8)
    for ids in torch.arange(40).split(7):
        metric.update(EmbeddingRecords(ids, points[ids], torch.zeros(len(ids), 2, 3)))
    figures = metric.compute()

    rows = points.double().tolist()
    distances = [
        sum((x - y) ** 2 for x, y in zip(rows[a], rows[b], strict=True)) for a, b in pairs.photos
    ]
    same = pairs.same.tolist()
    shares = []
    for number in range(4):
        others = [i for i in range(len(same)) if pairs.fold[i] != number]
        threshold = slow_threshold([distances[i] for i in others], [same[i] for i in others])
        mine = [i for i in range(len(same)) if pairs.fold[i] == number]
        shares.append(sum((distances[i] < threshold) == same[i] for i in mine) / len(mine))
    assert figures["lfw_accuracy"] == pytest.approx(np.mean(shares), abs=1e-12)
    assert figures["lfw_accuracy_std"] == pytest.approx(np.std(shares), abs=1e-12)
    nearest = min(d for d, s in zip(distances, same, strict=True) if not s)
    below = [d < nearest for d, s in zip(distances, same, strict=True) if s]
    assert figures["tar_at_far_1e-3"] == pytest.approx(np.mean(below), abs=1e-12)


def test_perfect_and_none() -> None:
    same = np.array([True, True, False, False] * 2)
    fold = np.repeat([0, 1], 4)
    near = np.where(same, 0.5, 1.5)
    assert cross_validated(near, same, fold).by_fold.tolist() == [1, 1]
    assert cross_validated(near, same, fold).thresholds.tolist() == [1, 1]
    assert cross_validated(np.ones(8), same, fold).by_fold.tolist() == [0.5, 0.5]
    assert tar_at_far(roc(near, same), 1e-4) == 1
    assert tar_at_far(roc(np.ones(8), same), 1e-4) == 0


def test_equal_distances_are_never_parted() -> None:
    assert best_threshold(np.array([1.0, 1, 1, 2]), np.array([True, True, False, False])) == 1.5


def test_rates_by_hand() -> None:
    distances = np.array([0.1, 0.2, 0.4, 0.9, 0.3, 0.5, 0.6, 0.7])
    curve = roc(distances, np.array([True] * 4 + [False] * 4))
    assert [tar_at_far(curve, far) for far in (0.2, 0.25, 0.5, 1)] == [0.5, 0.75, 0.75, 1]


def test_strangers_are_all_pairs_of_photos_of_two_people() -> None:
    points = torch.nn.functional.normalize(torch.randn(9, 4, dtype=torch.double)).numpy()
    people = list("aabbbccca")
    slow = [
        float(np.square(points[i] - points[j]).sum())
        for i, j in itertools.combinations(range(9), 2)
        if people[i] != people[j]
    ]
    assert stranger_distances(points, people) == pytest.approx(np.array(slow), abs=1e-12)
    assert not len(stranger_distances(points, ["a"] * 9))
    many = np.tile([[1.0, 0], [0, 1]], (3000, 1))
    assert 0 < len(stranger_distances(many, ["a", "b"] * 3000)) <= 2_000_000


def test_few_strangers_are_nearer_than_what_is_allowed() -> None:
    pairs = replace(random_pairs(), names=[str(index) for index in range(40)])
    points = torch.nn.functional.normalize(torch.randn(40, 8))
    metric = VerificationMetric(pairs, dimension=8)
    metric.update(EmbeddingRecords(torch.arange(40), points, torch.zeros(40, 2, 3)))
    allowed = metric.compute()["max_distance"]
    strangers = torch.pdist(points.double()).square()  # 780: one of them is more than a thousandth
    assert allowed == pytest.approx(float(strangers.min()), abs=1e-6)
    assert VerificationMetric(pairs, dimension=8).compute()["max_distance"] == 0
    assert distance_at_far(np.zeros(0), 1e-3) == 0


def test_processes_gather_their_rows_and_unseen_photos_do_not_count() -> None:
    pairs = random_pairs()
    points = torch.nn.functional.normalize(torch.randn(40, 8))
    whole, *shares = (VerificationMetric(pairs, dimension=8) for _ in range(3))
    for metric, ids in zip((whole, *shares), (range(40), range(25), range(20, 40)), strict=True):
        index = torch.tensor(list(ids))
        metric.update(EmbeddingRecords(index, points[index], torch.zeros(len(index), 2, 3)))
    both = torch.stack([metric.embeddings for metric in shares])
    shares[0].embeddings = shares[0]._reductions["embeddings"](both)
    assert shares[0].compute() == whole.compute()
    assert VerificationMetric(pairs, dimension=8).compute()["lfw_accuracy"] == 0
