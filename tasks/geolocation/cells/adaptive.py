"""PlaNet's cells: small where many photos are, large where few are (Weyand et al. 2016, 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backbone.errors import InputError, check_number
from tasks.geolocation.cells import s2
from tasks.geolocation.cells.sphere import Points, great_circle_km, vector_points

CHUNK = 1 << 20  # leaves whose mean is taken at a time


@dataclass(frozen=True)
class Granularity:
    """How fine a partition is.

    Args:
        max_photos: A cell with more is split.
        min_photos: One with fewer is dropped.
        min_level: Cells that have photos are split down to this level in any case.
        max_level: No cell below it is split.

    Raises:
        InputError: If a number is outside its bounds.
    """

    max_photos: int
    min_photos: int
    min_level: int = 0
    max_level: int = s2.MAX_LEVEL

    def __post_init__(self) -> None:
        check_number("max_photos", self.max_photos, at_least=1, whole=True)
        check_number("min_photos", self.min_photos, at_least=1, whole=True)
        check_number("max_level", self.max_level, at_least=0, at_most=s2.MAX_LEVEL, whole=True)
        check_number("min_level", self.min_level, at_least=0, at_most=self.max_level, whole=True)


@dataclass(frozen=True, eq=False)
class Cells:
    """``C`` cells that don't overlap, in the order of their ids.

    Attributes:
        ids: S2's, uint64 ``(C,)``.
        counts: Photos in each, int64 ``(C,)``.
        points: Their mean location, ``(C, 2)`` in degrees.
    """

    ids: np.ndarray
    counts: np.ndarray
    points: Points

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def centres(self) -> Points:
        """The middle of each cell, ``(C, 2)``."""
        return s2.cell_centres(self.ids)

    @cached_property
    def radii_km(self) -> np.ndarray:
        """From the mean location of each cell to the farthest of its corners, ``(C,)``."""
        corners = [s2.cell_vectors(self.ids, at=at) for at in ((0, 0), (0, 1), (1, 0), (1, 1))]
        distances = [great_circle_km(self.points, vector_points(corner)) for corner in corners]
        radii: np.ndarray = np.max(distances, axis=0)
        return radii

    def holding(self, leaves: np.ndarray) -> np.ndarray:
        """The index of the cell that each leaf is in; -1 if none is."""
        first, last = s2.leaf_range(self.ids)
        index = np.searchsorted(first, leaves, side="right") - 1
        return np.where((index >= 0) & (leaves <= last[index]), index, -1)


def sorted_leaves(parts: Iterable[Points]) -> np.ndarray:
    """The leaf cells of points that come a part at a time, sorted, uint64; 8 bytes a photo."""
    found = [s2.leaf_ids(points) for points in parts]
    leaves = np.concatenate(found) if found else np.zeros(0, np.uint64)
    leaves.sort()
    return leaves


def make_cells(leaves: np.ndarray, granularity: Granularity) -> Cells:
    """Splits the six faces of the Earth until no cell has more photos than it may have.

    Args:
        leaves: Of the photos, sorted.
        granularity: When to split a cell and when to drop it.

    Raises:
        InputError: If no cell is left.
    """
    ids = s2.face_ids()
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for level in range(granularity.max_level + 1):
        first, last = s2.leaf_range(ids)
        start = np.searchsorted(leaves, first, side="left")
        end = np.searchsorted(leaves, last, side="right")
        most = granularity.max_photos if level >= granularity.min_level else 0
        split = (end - start > most) & (level < granularity.max_level)
        keep = ~split & (end - start >= granularity.min_photos)
        kept.append((ids[keep], start[keep], end[keep]))
        ids = s2.children(ids[split]).ravel()
    ids, start, end = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    if not len(ids):
        raise InputError(
            f"No cell has {granularity.min_photos} of the {len(leaves)} photos: lower min_photos"
        )
    order = np.argsort(ids)
    ids, start, end = ids[order], start[order], end[order]
    return Cells(ids, end - start, vector_points(_vector_sums(leaves, start, end)))


def _vector_sums(leaves: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sums of the unit vectors of the leaves from ``start`` to ``end``, ``(C, 3)``.

    A leaf stands for its photo: its middle is within a centimetre of it.
    """
    sums = np.zeros((len(start), 3))
    for offset in range(0, len(leaves), CHUNK):
        part = leaves[offset : offset + CHUNK]
        vectors = s2.cell_vectors(part)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        running = np.concatenate([np.zeros((1, 3)), np.cumsum(vectors, axis=0)])
        here = slice(
            np.searchsorted(end, offset, side="right"), np.searchsorted(start, offset + len(part))
        )
        first, last = (np.clip(edge[here] - offset, 0, len(part)) for edge in (start, end))
        sums[here] += running[last] - running[first]
    return sums


def parent_indices(coarse: Cells, fine: Cells) -> np.ndarray:
    """The coarse cell that holds each fine one, int64 ``(C,)``.

    Raises:
        InputError: If one has none.
    """
    found = coarse.holding(s2.leaf_range(fine.ids)[0])
    too_small = s2.levels(coarse.ids)[found] > s2.levels(fine.ids)
    orphans = np.flatnonzero((found < 0) | too_small)
    if len(orphans):
        raise InputError(
            f"Cell {s2.tokens(fine.ids[orphans[:1]])[0]} lies in no cell of the coarser partition: "
            "give coarse before fine, the coarser one with no more min_photos"
        )
    return found


def granularities(
    max_photos: int | Sequence[int],
    min_photos: int | Sequence[int],
    *,
    min_level: int = 0,
    max_level: int = s2.MAX_LEVEL,
) -> list[Granularity]:
    """One granularity for each of ``max_photos``, coarse to fine.

    Args:
        max_photos: A number or several, falling.
        min_photos: A number for all of them, or as many.
        min_level: Of all.
        max_level: Of all.

    Raises:
        InputError: If the numbers do not go together.
    """
    most, least = (
        list(given) if isinstance(given, Sequence) else [given]
        for given in (max_photos, min_photos)
    )
    if len(least) == 1:
        least *= len(most)
    if not most or len(least) != len(most):
        raise InputError(
            f"max_photos={most} and min_photos={least}: give as many of the latter, or one for all"
        )
    if most != sorted(most, reverse=True):
        raise InputError(f"max_photos={most}: give the coarsest, which has the most, first")
    return [
        Granularity(more, fewer, min_level, max_level)
        for more, fewer in zip(most, least, strict=True)
    ]
