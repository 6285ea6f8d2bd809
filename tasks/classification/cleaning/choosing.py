"""Which photos of a noisy folder to leave out, and why (Krause et al. 2016, section 3)."""

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.classification.cleaning.copies import distances, groups, nearest

MARKER = "cleaning.json"  # written into a cleaned folder, with the settings
# Of 256 bits. Copies that were scaled, saved anew or cropped by 5% are within 52 of one of the
# views of their original; other photos of dogs differ from all views in 80 at least.
TEST_DISTANCE = 60
# Of copies that were scaled or saved anew, within 8: a crop that is left does little harm here.
COPY_DISTANCE = 12

TEST = "copy of a test photo"
CATEGORIES = "in several categories"
REPEATED = "again in its category"
UNREADABLE = "unreadable"


class Removed(NamedTuple):
    """A photo that is left out.

    Attributes:
        file: Its name, relative to the noisy folder.
        reason: ``TEST``, ``CATEGORIES``, ``REPEATED`` or ``UNREADABLE``.
        match: The photo that it is a copy of, or what is wrong with it.
        distance: Bits in which the two differ.
    """

    file: str
    reason: str
    match: str
    distance: int | None = None


class Hashed(NamedTuple):
    """Photos with their hashes: names ``(N,)`` and uint64 ``(N, NUM_WORDS)``.

    Of test photos, hashes are of all views, ``(N, V, NUM_WORDS)``.
    """

    names: Sequence[str]
    hashes: np.ndarray


def find_removed(photos: Hashed, test: Hashed, *, max_distance: int) -> dict[str, Removed]:
    """What to leave out of a noisy folder, by name.

    Copies of test photos go; then all copies of a photo that stands in several categories, since
    none of them can be told to be right; then all but the first of those within a category.

    Args:
        photos: All that can be read, named ``category/file``.
        test: Photos that must not be trained on, with all views.
        max_distance: In how many bits a copy of a test photo may differ from one of its views.
    """
    removed = {each.file: each for each in _test_copies(photos, test, max_distance=max_distance)}
    numbers = groups(photos.hashes, max_distance=COPY_DISTANCE)
    order = np.argsort(numbers, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        if len(members) > 1:
            for each in _copies(photos, members, removed):
                removed.setdefault(each.file, each)
    return removed


def _test_copies(photos: Hashed, test: Hashed, *, max_distance: int) -> Iterator[Removed]:
    views, least = nearest(photos.hashes, test.hashes.reshape(-1, test.hashes.shape[-1]))
    for index in map(int, np.flatnonzero(least <= max_distance)):
        match = test.names[views[index] // test.hashes.shape[1]]
        yield Removed(photos.names[index], TEST, match, int(least[index]))


def _copies(
    photos: Hashed, members: np.ndarray, removed: Mapping[str, Removed]
) -> Iterator[Removed]:
    """Which photos of a group of copies go besides those that do already."""
    names = [photos.names[index] for index in members]
    categories = [category(name) for name in names]
    if len(set(categories)) > 1:
        reason = CATEGORIES
        matches = [next(i for i, c in enumerate(categories) if c != own) for own in categories]
    else:
        reason = REPEATED
        kept = next((i for i, name in enumerate(names) if name not in removed), 0)
        matches = [kept] * len(names)
    for index, match in enumerate(matches):
        if index != match:
            bits = distances(photos.hashes[members[index]], photos.hashes[members[match]])
            yield Removed(names[index], reason, names[match], int(bits))


def category(name: str) -> str:
    """The folder that a photo stands in."""
    return name.partition(os.sep)[0]


def report(
    names: Sequence[str], removed: Mapping[str, Removed], *, num_test: int, max_distance: int
) -> list[str]:
    """Counts of what is kept and what is left out."""
    reasons = Counter(each.reason for each in removed.values())
    kept = Counter(category(name) for name in names if name not in removed)
    emptied = sorted({category(name) for name in names} - kept.keys())
    return [
        f"{kept.total()} of {len(names)} files kept, in {len(kept)} categories",
        f"  {reasons[TEST]} left out as copies of one of {num_test} test photos, within "
        f"{max_distance} of 256 bits",
        f"  {reasons[CATEGORIES]} left out that stand in several categories",
        f"  {reasons[REPEATED]} left out that stand in their category again",
        f"  {reasons[UNREADABLE]} left out that cannot be read",
        *(f"  nothing is left of {name}" for name in emptied),
    ]


def write_removed(path: Path, removed: Mapping[str, Removed]) -> None:
    """Writes a CSV file with a row for each photo that is left out."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(Removed._fields)
        writer.writerows(sorted(removed.values()))
