"""Finds hashes that are near each other, among millions."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tasks.classification.cleaning.hashes import NUM_WORDS
from tasks.common.machine.workers import threads

BAND_BITS = 16
NUM_BANDS = NUM_WORDS * 64 // BAND_BITS
# Two hashes that differ in fewer bits than there are bands are equal in one band at least.
MAX_GROUP_DISTANCE = NUM_BANDS - 1
BLOCK = 256  # hashes that a thread compares at a time
MAX_PAIRS = 1 << 22  # of candidates that are held at once


def distances(hash_: np.ndarray, others: np.ndarray) -> np.ndarray:
    """In how many bits a hash differs from others.

    Args:
        hash_: uint64 ``(..., NUM_WORDS)``.
        others: Which broadcast against it.
    """
    return np.bitwise_count(hash_ ^ others).sum(-1, dtype=np.int64)


def nearest(hashes: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest reference of each hash, by comparing it with all.

    Args:
        hashes: uint64 ``(N, NUM_WORDS)``.
        references: ``(M, NUM_WORDS)``.

    Returns:
        Indices into ``references`` and distances, ``(N,)`` each.
    """
    columns = np.ascontiguousarray(references.T)
    blocks = [hashes[start : start + BLOCK] for start in range(0, len(hashes), BLOCK)]
    with threads() as pool:  # numpy lets other threads run meanwhile
        found = list(pool.map(lambda block: _nearest_in_block(block, columns), blocks))
    indices = np.concatenate([index for index, _ in found] or [np.zeros(0, np.int64)])
    return indices, np.concatenate([least for _, least in found] or [np.zeros(0, np.int64)])


def _nearest_in_block(block: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One hash at a time in buffers that stay in the processor's cache."""
    indices, least = np.zeros(len(block), np.int64), np.zeros(len(block), np.int64)
    differing, counts = np.empty_like(columns[0]), np.empty((2, columns.shape[1]), np.uint8)
    total, word_count = counts.astype(np.uint16)[0], counts[1]
    for row, words in enumerate(block):
        total.fill(0)
        for word, column in zip(words, columns, strict=True):
            np.bitwise_count(np.bitwise_xor(column, word, out=differing), out=word_count)
            total += word_count
        indices[row] = total.argmin()
        least[row] = total[indices[row]]
    return indices, least


def groups(hashes: np.ndarray, *, max_distance: int) -> np.ndarray:
    """Numbers the hashes so that those near each other, directly or by others, get one number.

    Only hashes that are equal in a band of their bits are compared, which misses no pair within
    ``MAX_GROUP_DISTANCE`` and takes seconds where all pairs would take days.

    Args:
        hashes: uint64 ``(N, NUM_WORDS)``.
        max_distance: Bits in which two of a group may differ.

    Returns:
        The group of each, int ``(N,)``.
    """
    assert max_distance <= MAX_GROUP_DISTANCE
    # equal ones first: thousands of copies of one photo would be millions of pairs
    unique, inverse = np.unique(hashes, axis=0, return_inverse=True)
    pairs = [
        candidates[distances(unique[candidates[:, 0]], unique[candidates[:, 1]]) <= max_distance]
        for candidates in _equal_in_a_band(unique)
    ]
    first, second = np.concatenate([np.zeros((0, 2), np.int64), *pairs]).T
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(unique),) * 2)
    numbers: np.ndarray = connected_components(graph, directed=False)[1]
    return numbers[inverse.ravel()]


def _equal_in_a_band(hashes: np.ndarray) -> Iterator[np.ndarray]:
    """Index pairs ``(P, 2)`` of the hashes with a band in common, a part at a time."""
    for band in hashes.view(np.uint16).T.astype(np.int64):
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order], prepend=-1))
        ends = np.append(starts[1:], len(band))
        # each is paired with all that follow it in its run of equal bands
        partners = np.repeat(ends, ends - starts) - np.arange(len(band)) - 1
        cuts = np.flatnonzero(np.diff(np.cumsum(partners) // MAX_PAIRS)) + 1
        for positions in np.split(np.arange(len(band)), cuts):
            counts = partners[positions]
            first = np.repeat(positions, counts)
            steps = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
            yield order[np.stack([first, first + 1 + steps], axis=1)]
