"""Hashes of copies are near each other, and found as a slow loop finds them."""

from pathlib import Path

import numpy as np
import pytest

from backbone.errors import InputError
from tasks.classification.cleaning.choosing import COPY_DISTANCE, TEST_DISTANCE
from tasks.classification.cleaning.copies import MAX_GROUP_DISTANCE, distances, groups, nearest
from tasks.classification.cleaning.hash_cache import File, hash_files, hash_references
from tasks.classification.cleaning.hashes import NUM_BITS, NUM_WORDS, hash_photo, hash_views
from tests.tasks.classification.pictures import COPIES, picture, write

Rng = np.random.Generator


def flip(hash_: np.ndarray, count: int, rng: Rng) -> np.ndarray:
    """A hash with so many bits changed."""
    bits = np.unpackbits(hash_.view(np.uint8))
    bits[rng.permutation(NUM_BITS)[:count]] ^= 1
    return np.packbits(bits).view(np.uint64)


def slow_distance(one: np.ndarray, other: np.ndarray) -> int:
    return sum((int(a) ^ int(b)).bit_count() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_near_a_view_and_another_photo_is_not(kind: str, tmp_path: Path):
    for seed in range(2):
        views = hash_views(write(tmp_path / "original.png", picture(seed)))
        copy = hash_photo(write(tmp_path / "copy.png", COPIES[kind](picture(seed))))
        other = hash_photo(write(tmp_path / "other.png", COPIES[kind](picture(seed + 100))))
        assert distances(copy, views).min() <= TEST_DISTANCE
        assert distances(other, views).min() > TEST_DISTANCE
        if kind in ("saved anew", "smaller", "squeezed"):
            assert distances(copy, views[0]) <= COPY_DISTANCE


def test_the_nearest_is_that_of_a_slow_loop():
    rng = np.random.default_rng(0)
    references = rng.integers(0, 2**64, (40, NUM_WORDS), dtype=np.uint64)
    hashes = np.stack([flip(references[i % 40], i % 90, rng) for i in range(300)])
    indices, least = nearest(hashes, references)
    for hash_, index, distance in zip(hashes, indices, least, strict=True):
        slow = [slow_distance(hash_, reference) for reference in references]
        assert distance == min(slow) == slow[index]
    assert [len(part) for part in nearest(hashes[:0], references)] == [0, 0]


def test_opposite_hashes_differ_in_every_bit():
    none, every = np.zeros((1, NUM_WORDS), np.uint64), ~np.zeros((1, NUM_WORDS), np.uint64)
    assert nearest(none, every)[1].tolist() == [NUM_BITS]
    assert distances(none, every).tolist() == [NUM_BITS]


@pytest.mark.parametrize("max_distance", [0, 4, MAX_GROUP_DISTANCE])
def test_groups_are_those_of_comparing_all_pairs(max_distance: int):
    rng = np.random.default_rng(1)
    originals = rng.integers(0, 2**64, (30, NUM_WORDS), dtype=np.uint64)
    hashes = np.stack(
        [flip(originals[rng.integers(30)], rng.integers(20), rng) for _ in range(200)]
    )
    hashes = np.concatenate([hashes, hashes[:20]])
    slow = np.arange(len(hashes))
    for i in range(len(hashes)):
        for j in range(i):
            if slow_distance(hashes[i], hashes[j]) <= max_distance:
                slow[slow == slow[i]] = slow[j]
    found = groups(hashes, max_distance=max_distance)
    assert np.array_equal(found[:, None] == found, slow[:, None] == slow)
    assert len(set(slow)) < len(slow)


def test_thousands_of_one_photo_are_one_group():
    hashes = np.zeros((50_000, NUM_WORDS), np.uint64)
    assert set(groups(hashes, max_distance=COPY_DISTANCE)) == {0}


def test_what_was_hashed_is_not_hashed_again(tmp_path: Path, caplog):
    files = []
    for seed in range(3):
        found = write(tmp_path / f"{seed}.png", picture(seed)).stat()
        files.append(File(f"{seed}.png", found.st_size, found.st_mtime_ns))
    (tmp_path / "torn.jpg").write_text("<html>")
    files.append(File("torn.jpg", 6, 0))
    cache = tmp_path / "cache"
    caplog.set_level("INFO")
    hashes, problems = hash_files(tmp_path, files, cache=cache)
    assert list(problems) == [3] and "HTML" in problems[3]
    assert np.array_equal(hashes[1], hash_photo(tmp_path / "1.png"))

    cache.write_text(cache.read_text()[:-10])  # cut short while the third was written
    again, _ = hash_files(tmp_path, files, cache=cache)
    assert "2 of 4 photos were hashed before" in caplog.text
    changed = [files[0]._replace(time_ns=0), *files[1:]]
    once_more, _ = hash_files(tmp_path, changed, cache=cache)
    assert caplog.messages[-1].startswith("2 of 4 ")
    assert np.array_equal(hashes, again) and np.array_equal(hashes, once_more)


def test_an_unreadable_test_photo_is_refused(tmp_path: Path):
    (tmp_path / "torn.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"torn\.jpg is empty"):
        hash_references([tmp_path / "torn.jpg"])
