"""Few photos that stand for all."""

import numpy as np
import pytest

from tasks.common.data.spread import covering, evenly, one_of_each

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("count", [0, 1, 5, 99, 100, 101])
def test_evenly_means_from_everywhere_and_none_twice(count: int) -> None:
    numbers = evenly(count, among=100)
    assert len(set(numbers)) == len(numbers) == min(count, 100)
    assert not numbers or max(np.diff([-1, *numbers, 100])) <= 2 * -(-100 // len(numbers))


@pytest.mark.parametrize("count", [1, 4, 7, 20, 60, 300])
def test_one_of_each_class_before_a_second_of_any(count: int) -> None:
    classes = np.sort(RNG.integers(0, 7, 60))
    chosen = one_of_each(classes, count)
    assert len(set(chosen)) == len(chosen) == min(count, 60)
    counts = np.bincount(classes[chosen], minlength=7)
    there = np.bincount(classes, minlength=7)
    assert counts.max() - counts[counts < there].min(initial=counts.max()) <= 1


def test_classes_from_all_over_where_there_are_too_many() -> None:
    assert one_of_each(np.repeat(np.arange(120), 10), 4) == [150, 450, 750, 1050]


def test_photos_that_together_show_all_classes() -> None:
    photos = np.repeat(np.arange(50), 3)
    classes = RNG.integers(0, 12, 150)
    classes[photos != 31] %= 11  # class 11 is in one photo alone, or none
    classes[photos == 31] = [11, 0, 1]
    for count in (6, 8, 50):
        chosen = covering(photos, classes, count, among=50)
        assert len(set(chosen)) == len(chosen) == count
        assert set(classes[np.isin(photos, chosen)].tolist()) == set(range(12))


def test_photos_of_nothing_are_shown_last() -> None:
    assert covering(np.array([3]), np.array([0]), 2, among=4)[0] == 3
    nothing = np.zeros(0, np.int64)
    assert covering(nothing, nothing, 2, among=4) == [1, 3]
