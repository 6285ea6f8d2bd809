"""Ids of S2 cells, a quad-tree over the six faces of a cube around the Earth, for whole arrays.

An id is 64 bits: three for the face, then two for each level down to the cell, along a Hilbert
curve, then a 1 and zeros. A parent's id therefore lies between those of its children, and all leaf
cells in a cell are neighbours in the order of ids. After Google's S2 geometry library, whose ids
these are; it takes one point at a time.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from tasks.common.machine import num_cores
from tasks.geolocation.sphere import Points, Vectors, unit_vectors, vector_points

MAX_LEVEL = 30
SIDE = 1 << MAX_LEVEL  # leaf cells along a face
NUM_FACES = 6
CHUNK = 1 << 14  # points at a time, so that what they need stays in the processor's cache

# The curve goes through a cell's quarters in one of four orientations: bit 0 swaps the axes, bit 1
# turns both around. Quarters are numbered ``2 * i + j``.
QUARTERS = ((0, 1, 3, 2), (0, 2, 3, 1), (3, 2, 0, 1), (3, 1, 0, 2))
TURNS = (1, 0, 0, 3)  # orientation of each quarter along the curve, relative to the cell's
# Of each face, which of x, y and z runs along its two sides, and in which direction.
U_AXIS, U_SIGN = np.array([1, 0, 0, 2, 2, 1]), np.array([1.0, -1, -1, 1, 1, -1])
V_AXIS, V_SIGN = np.array([2, 2, 1, 1, 0, 0]), np.array([1.0, 1, -1, 1, -1, -1])
STEP_LEVELS = 5  # that a look at the table takes: six looks to a leaf


def leaf_ids(points: ArrayLike) -> np.ndarray:
    """The leaf cell of each point, about a centimetre wide.

    Args:
        points: Degrees, ``(N, 2)``; longitudes from -180 to 180.

    Returns:
        uint64 ``(N,)``.
    """
    points = np.asarray(points, np.float64)
    ids = np.empty(len(points), np.uint64)

    def fill(chunk: slice) -> None:
        face, u, v = _project(unit_vectors(points[chunk]))
        i, j = (_leaf_number(_uv_to_st(x)) for x in (u, v))
        ids[chunk] = _along_curve(face, i, j)

    with ThreadPoolExecutor(num_cores()) as pool:  # numpy lets other threads run meanwhile
        list(pool.map(fill, _chunks(len(points))))
    return ids


def parents(ids: ArrayLike, level: int | np.ndarray) -> np.ndarray:
    """The cells at a level, at most their own, that hold the given cells."""
    lowest = _lowest_bit(level)
    ids = np.asarray(ids, np.uint64)
    return (ids & (~lowest + np.uint64(1))) | lowest


def children(ids: np.ndarray) -> np.ndarray:
    """The four quarters of each cell above the leaves, in the order of ids, ``(N, 4)``."""
    lowest = ids & (~ids + np.uint64(1))
    steps = np.arange(-3, 4, 2) * (lowest >> np.uint64(2)).astype(np.int64)[:, None]
    return (ids.astype(np.int64)[:, None] + steps).astype(np.uint64)


def face_ids() -> np.ndarray:
    """The six cells of level 0."""
    faces = np.arange(NUM_FACES, dtype=np.uint64) << np.uint64(2 * MAX_LEVEL + 1)
    return faces + _lowest_bit(0)


def levels(ids: ArrayLike) -> np.ndarray:
    """The level of each cell, 0 for a face and 30 for a leaf, int64."""
    ids = np.asarray(ids, np.uint64)
    lowest = ids & (~ids + np.uint64(1))
    zeros = np.bitwise_count(lowest - np.uint64(1)).astype(np.int64)
    return MAX_LEVEL - zeros // 2


def leaf_range(ids: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last leaf in each cell."""
    ids = np.asarray(ids, np.uint64)
    reach = (ids & (~ids + np.uint64(1))) - np.uint64(1)
    return ids - reach, ids + reach


def tokens(ids: ArrayLike) -> list[str]:
    """The ids in the short hexadecimal form that S2 tools use.

    >>> tokens(face_ids())
    ['1', '3', '5', '7', '9', 'b']
    """
    return [f"{number:016x}".rstrip("0") for number in np.asarray(ids, np.uint64).tolist()]


def token_ids(tokens: list[str]) -> np.ndarray:
    """The inverse of ``tokens``.

    Raises:
        ValueError: If one is no token of a cell.
    """
    ids = np.array([_token_id(token) for token in tokens], np.uint64)
    lowest = ids & (~ids + np.uint64(1))
    odd = np.bitwise_count(lowest - np.uint64(1)) % 2 == 1
    bad = odd | (ids == 0) | (ids >> np.uint64(61) >= NUM_FACES)
    if bad.any():
        raise ValueError(f"{tokens[int(bad.argmax())]!r} is no S2 cell")
    return ids


def cell_vectors(ids: ArrayLike, *, at: tuple[float, float] = (0.5, 0.5)) -> Vectors:
    """Directions of a place in each cell, of any length, ``(N, 3)``.

    Args:
        ids: Of the cells.
        at: The place, as shares of the cell's two sides; the centre unless given.
    """
    ids = np.asarray(ids, np.uint64)
    vectors = np.empty((len(ids), 3))
    for chunk in _chunks(len(ids)):
        face, i, j = _off_curve(ids[chunk])
        size = np.int64(1) << (MAX_LEVEL - levels(ids[chunk]))
        u, v = (
            _st_to_uv(((x & -size) + share * size) / SIDE)
            for x, share in zip((i, j), at, strict=True)
        )
        vectors[chunk] = _unproject(face, u, v)
    return vectors


def cell_centres(ids: ArrayLike) -> Points:
    """The middle of each cell, ``(N, 2)`` in degrees."""
    return vector_points(cell_vectors(ids))


def _token_id(token: str) -> int:
    if not 1 <= len(token) <= 16 or not all(digit in "0123456789abcdef" for digit in token):
        raise ValueError(f"{token!r} is no S2 cell")
    return int(token.ljust(16, "0"), 16)


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


def _lowest_bit(level: int | np.ndarray) -> np.ndarray:
    shift = 2 * (MAX_LEVEL - np.asarray(level))
    bits: np.ndarray = np.uint64(1) << shift.astype(np.uint64)
    return bits


def _project(vectors: Vectors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The face that each vector points at, and where on it, from -1 to 1."""
    rows = np.ascontiguousarray(vectors.T)
    across, up, far = np.abs(rows)
    axis = np.where(across > up, np.where(across > far, 0, 2), np.where(up > far, 1, 2))
    values, here = rows.ravel(), np.arange(len(vectors))
    depth = values.take(axis * len(vectors) + here)
    face = axis + 3 * (depth < 0)
    u, v = (
        values.take(of.take(face) * len(vectors) + here) / (depth * sign.take(face))
        for of, sign in ((U_AXIS, U_SIGN), (V_AXIS, V_SIGN))
    )
    return face, u, v


def _unproject(face: np.ndarray, u: np.ndarray, v: np.ndarray) -> Vectors:
    one = np.ones_like(u)
    x = np.choose(face, (one, -u, -u, -one, v, v))
    y = np.choose(face, (u, one, -v, -v, -one, u))
    z = np.choose(face, (v, v, one, -u, -u, -one))
    return np.stack([x, y, z], axis=-1)


def _uv_to_st(u: np.ndarray) -> np.ndarray:
    """Bends a face's side so that its cells are of similar size on the sphere; from 0 to 1."""
    half = 0.5 * np.sqrt(1 + 3 * np.abs(u))
    return np.where(u >= 0, half, 1 - half)


def _st_to_uv(s: np.ndarray) -> np.ndarray:
    return np.where(s >= 0.5, 4 * s * s - 1, 1 - 4 * (1 - s) * (1 - s)) / 3


def _leaf_number(s: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(s * SIDE).astype(np.int64), 0, SIDE - 1)


def _along_curve(face: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The leaf id at each place of a face."""
    places, _ = _curve_tables()
    mask = (1 << STEP_LEVELS) - 1
    position = face.astype(np.int64)
    turn = position & 1
    for shift in range(MAX_LEVEL - STEP_LEVELS, -1, -STEP_LEVELS):
        step = ((i >> shift) & mask) << (STEP_LEVELS + 2) | ((j >> shift) & mask) << 2 | turn
        found = places.take(step)
        position = position << (2 * STEP_LEVELS) | found >> 2
        turn = found & 3
    return (position.astype(np.uint64) << np.uint64(1)) | np.uint64(1)


def _off_curve(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The face of each cell and the place of one of its leaves."""
    _, quarters = _curve_tables()
    position = (ids >> np.uint64(1)).astype(np.int64)
    face = position >> 60
    i = j = np.zeros_like(position)
    turn = face & 1
    mask = (1 << (2 * STEP_LEVELS)) - 1
    for shift in range(MAX_LEVEL - STEP_LEVELS, -1, -STEP_LEVELS):
        found = quarters.take((position >> (2 * shift) & mask) << 2 | turn)
        i = i << STEP_LEVELS | found >> (STEP_LEVELS + 2)
        j = j << STEP_LEVELS | found >> 2 & ((1 << STEP_LEVELS) - 1)
        turn = found & 3
    return face, i, j


@cache
def _curve_tables() -> tuple[np.ndarray, np.ndarray]:
    """Five levels of the curve at once, both ways.

    Returns:
        From ``i, j, orientation`` to ``place along the curve, orientation at its end``, and back;
        both packed into numbers with the orientation in the lowest two bits.
    """
    places = np.zeros(1 << (2 * STEP_LEVELS + 2), np.int64)
    quarters = np.zeros_like(places)
    for start in range(4):
        for place in range(1 << (2 * STEP_LEVELS)):
            i = j = 0
            turn = start
            for shift in range(2 * STEP_LEVELS - 2, -1, -2):
                step = place >> shift & 3
                i = i << 1 | QUARTERS[turn][step] >> 1
                j = j << 1 | QUARTERS[turn][step] & 1
                turn ^= TURNS[step]
            square = i << STEP_LEVELS | j
            places[square << 2 | start] = place << 2 | turn
            quarters[place << 2 | start] = square << 2 | turn
    return places, quarters
