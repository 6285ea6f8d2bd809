"""Ids of S2 cells, a quad-tree over the six faces of a cube around the Earth, for whole arrays.

An id is 64 bits: three for the face, then two for each level down to the cell, along a Hilbert
curve, then a 1 and zeros. A parent's id therefore lies between those of its children, and all leaf
cells in a cell are neighbours in the order of ids. After Google's S2 geometry library, whose ids
these are; it takes one point at a time.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from tasks.common.machine.workers import threads
from tasks.geolocation.cells.sphere import Points, Vectors, unit_columns, vector_points

MAX_LEVEL = 30
SIDE = 1 << MAX_LEVEL  # leaf cells along a face
NUM_FACES = 6
CHUNK = 1 << 14  # points at a time, so that what they need stays in the processor's cache

# The curve goes through a cell's quarters in one of four orientations: bit 0 swaps the axes, bit 1
# turns both around. Quarters are numbered ``2 * i + j``.
QUARTERS = np.array([(0, 1, 3, 2), (0, 2, 3, 1), (3, 2, 0, 1), (3, 1, 0, 2)])
TURNS = np.array([1, 0, 0, 3])  # orientation of each quarter on the curve, relative to the cell's
STEP_LEVELS = 6  # that a look at the table takes: five looks to a leaf


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
        face, u, v = _project(*unit_columns(points[chunk]))
        ids[chunk] = _along_curve(face, _leaf_number(u), _leaf_number(v))

    with threads() as pool:  # numpy lets other threads run meanwhile
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


def _project(
    x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The face that each vector points at, and where on it, from -1 to 1."""
    across, up, far = np.abs(x), np.abs(y), np.abs(z)
    on_x = (across > up) & (across > far)
    on_z = np.maximum(across, up) <= far
    depth = _either(on_x, x, _either(on_z, z, y))
    behind = depth < 0
    # of the other two, on opposite faces in the other order
    first, second = _either(on_x, y, -x), _either(on_z, -y, z)
    u = _either(behind, second, first) / depth
    v = _either(behind, first, second) / depth
    return 1 - on_x.astype(np.int64) + on_z + 3 * behind, u, v


def _either(chosen: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``np.where`` for floats, in a fifth of its time where it cannot guess what comes next."""
    a, b = one.view(np.int64), other.view(np.int64)
    bits: np.ndarray = b ^ ((a ^ b) & -chosen.astype(np.int64))
    return bits.view(np.float64)


def _unproject(face: np.ndarray, u: np.ndarray, v: np.ndarray) -> Vectors:
    one = np.ones_like(u)
    x = np.choose(face, (one, -u, -u, -one, v, v))
    y = np.choose(face, (u, one, -v, -v, -one, u))
    z = np.choose(face, (v, v, one, -u, -u, -one))
    return np.stack([x, y, z], axis=-1)


def _st_to_uv(s: np.ndarray) -> np.ndarray:
    return np.where(s >= 0.5, 4 * s * s - 1, 1 - 4 * (1 - s) * (1 - s)) / 3


def _leaf_number(u: np.ndarray) -> np.ndarray:
    """The leaf cell along a face's side, which is bent so that cells are of similar size."""
    reach = 0.5 * np.sqrt(1 + 3 * np.abs(u)) - 0.5  # from the middle, as a share of the side
    number = ((0.5 + np.copysign(reach, u)) * SIDE).astype(np.int64)
    return np.minimum(number, SIDE - 1)


def _along_curve(face: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The leaf id at each place of a face."""
    places, _ = _curve_tables()
    mask = (1 << STEP_LEVELS) - 1
    rows, columns = i << (STEP_LEVELS + 2), j << 2
    position, turn = face.copy(), face & 1
    for shift in range(MAX_LEVEL - STEP_LEVELS, -1, -STEP_LEVELS):
        step = rows >> shift  # in place from here on: the same without is a fifth slower
        step &= mask << (STEP_LEVELS + 2)
        column = columns >> shift
        column &= mask << 2
        step |= column
        step |= turn
        found = places.take(step)
        turn = found & 3
        found >>= 2
        position <<= 2 * STEP_LEVELS
        position |= found
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
    """Six levels of the curve at once, both ways.

    Returns:
        From ``i, j, orientation`` to ``place along the curve, orientation at its end``, and back;
        both packed into numbers with the orientation in the lowest two bits.
    """
    start, place = np.divmod(np.arange(1 << (2 * STEP_LEVELS + 2)), 1 << (2 * STEP_LEVELS))
    turn, i, j = start, np.zeros_like(start), np.zeros_like(start)
    for shift in range(2 * STEP_LEVELS - 2, -1, -2):
        step = place >> shift & 3
        quarter = QUARTERS[turn, step]
        i, j = i << 1 | quarter >> 1, j << 1 | quarter & 1
        turn = turn ^ TURNS[step]
    square = i << STEP_LEVELS | j
    places, quarters = np.empty_like(start), np.empty_like(start)
    places[square << 2 | start] = place << 2 | turn
    quarters[place << 2 | start] = square << 2 | turn
    return places, quarters
