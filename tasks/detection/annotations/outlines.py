"""Outlines of objects, in arrays, and the masks that they enclose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools.mask import decode, frPyObjects, merge

from tasks.detection.annotations.ragged import select_lists, start_offsets

# A mask as COCO compresses it: ``size``, height and width, and ``counts``, the lengths of its runs.
Rle = dict[str, Any]
Polygon = NDArray[np.floating]  # x and y of its points, (n, 2)


@dataclass(frozen=True, eq=False)
class Outlines:
    """Outlines of ``M`` objects, each of one or more polygons, or of runs of pixels.

    Runs are kept as they were read: only what is looked at becomes polygons, and what is scored
    stays exact. Pixels are those of the original image.

    Attributes:
        values: The polygons' ``x0, y0, x1, y1 ...``, or the lengths of runs down the columns,
            outside and inside in turn, float64 ``(V,)``.
        parts: Part ``k`` has the values ``parts[k]`` to ``parts[k + 1]``, int64 ``(K + 1,)``.
        offsets: Object ``i`` has the parts ``offsets[i]`` to ``offsets[i + 1]``, ``(M + 1,)``.
        in_runs: Whether an object is given in runs, bool ``(M,)``.
    """

    values: np.ndarray
    parts: np.ndarray
    offsets: np.ndarray
    in_runs: np.ndarray

    def __len__(self) -> int:
        return len(self.in_runs)

    def select(self, rows: np.ndarray) -> "Outlines":
        """The outlines at these rows, in this order."""
        if np.array_equal(rows, np.arange(len(self))):  # copying all would double the memory
            return self
        parts, offsets = select_lists(self.offsets, rows)
        values, part_offsets = select_lists(self.parts, parts)
        return Outlines(self.values[values], part_offsets, offsets, self.in_runs[rows])

    def with_polygons(self, polygons: Mapping[int, Sequence[Polygon]]) -> "Outlines":
        """The outlines with those at some rows replaced."""
        parts = [
            [part.ravel() for part in polygons[row]] if row in polygons else self._parts(row)
            for row in range(len(self))
        ]
        flat = [part for row in parts for part in row]
        in_runs = self.in_runs.copy()
        in_runs[list(polygons)] = False
        return Outlines(
            np.concatenate([np.zeros(0), *flat]),
            start_offsets(np.array([len(part) for part in flat], np.int64)),
            start_offsets(np.array([len(row) for row in parts], np.int64)),
            in_runs,
        )

    def polygons(self, row: int, *, size: tuple[int, int]) -> list[Polygon]:
        """The polygons of an object in an image of this width and height."""
        parts = self._parts(row)
        if self.in_runs[row]:
            return mask_to_polygons(runs_to_mask(parts[0], size=size))
        return [part.reshape(-1, 2) for part in parts]

    def rle(self, row: int, *, size: tuple[int, int]) -> Rle:
        """The mask of an object in an image of this width and height, just as COCO makes it."""
        parts = self._parts(row)
        if self.in_runs[row]:
            return runs_to_rle(parts[0], size=size)
        return polygons_to_rle(parts, size=size)

    def _parts(self, row: int) -> list[np.ndarray]:
        bounds = self.parts[self.offsets[row] : self.offsets[row + 1] + 1].tolist()
        return [self.values[start:stop] for start, stop in pairwise(bounds)]


def polygons_to_rle(polygons: Sequence[np.ndarray], *, size: tuple[int, int]) -> Rle:
    """The pixels whose centre is inside any of the polygons, in an image of a width and height."""
    width, height = size
    if not polygons:
        return runs_to_rle(np.array([width * height]), size=size)
    rle: Rle = merge(frPyObjects([polygon.ravel() for polygon in polygons], height, width))
    return rle


def runs_to_rle(runs: np.ndarray, *, size: tuple[int, int]) -> Rle:
    """Compresses lengths of runs down the columns of an image of a width and height."""
    width, height = size
    counts = runs.astype(np.int64).tolist()
    rle: Rle = frPyObjects({"size": [height, width], "counts": counts}, height, width)
    return rle


def polygons_to_mask(polygons: Sequence[np.ndarray], *, side: int) -> NDArray[np.uint8]:
    """The same as 0 and 1, ``(side, side)``."""
    mask: NDArray[np.uint8] = decode(polygons_to_rle(polygons, size=(side, side)))
    return mask


def runs_to_mask(runs: np.ndarray, *, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Lengths of runs down the columns to 0 and 1, ``(height, width)``."""
    inside = (np.arange(len(runs)) % 2).astype(np.uint8)
    return np.repeat(inside, runs.astype(np.int64)).reshape(size).T


def mask_to_polygons(mask: np.ndarray) -> list[Polygon]:
    """Polygons along the edges of a mask's pixels, which enclose exactly these.

    A hole becomes part of the polygon around it: a line leads in and back out again, so that it
    counts twice, which is not at all.

    Args:
        mask: Not 0 where the object is, ``(H, W)``.
    """
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not width:
        return []
    seen = mask[y : y + height, x : x + width].astype(np.uint8)
    # OpenCV goes through the centres of pixels: of four for each, these are next to its corners.
    doubled = seen.repeat(2, axis=0).repeat(2, axis=1)
    contours, tree = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    rings: dict[int, list[np.ndarray]] = {}
    for index, contour in enumerate(contours):
        parent = int(tree[0, index, 3])
        corners = (contour[:, 0] + 1) // 2 + [x, y]
        rings.setdefault(index if parent < 0 else parent, []).append(corners)
    return [_joined(parts) for parts in rings.values()]


def _joined(rings: Sequence[np.ndarray]) -> Polygon:
    """One polygon of several rings, with lines between their first points."""
    if len(rings) == 1:
        return rings[0]
    there = [part for ring in rings for part in (ring, ring[:1])]
    return np.concatenate([*there, *(ring[:1] for ring in rings[::-1])])
