"""Outlines against pycocotools, and masks that become polygons without losing a pixel."""

from collections.abc import Sequence

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from tasks.detection.annotations.outlines import (
    Outlines,
    mask_to_polygons,
    polygons_to_mask,
    polygons_to_rle,
    runs_to_mask,
)
from tasks.detection.annotations.ragged import select_lists, start_offsets

SIZE = (30, 20)  # width, height
SQUARE = [2, 3, 10, 3, 10, 9, 2, 9]
TRIANGLE = [15, 2, 28, 2, 15.5, 18]
RUNS = [25, 10, 10, 5, 550]


def outlines(objects: Sequence[list[list[float]]], in_runs: Sequence[bool]) -> Outlines:
    parts = [part for parts in objects for part in parts]
    return Outlines(
        values=np.array([value for part in parts for value in part], np.float64),
        parts=start_offsets(np.array([len(part) for part in parts])),
        offsets=start_offsets(np.array([len(parts) for parts in objects])),
        in_runs=np.array(in_runs),
    )


def three() -> Outlines:
    return outlines([[SQUARE], [RUNS], [TRIANGLE, SQUARE]], [False, True, False])


def random_mask(rng: np.random.Generator) -> np.ndarray:
    height, width = rng.integers(1, 40, 2)
    return rng.random((height, width)) < rng.choice([0.05, 0.3, 0.6, 0.95])


@pytest.mark.parametrize("seed", range(60))
def test_polygons_enclose_exactly_the_mask(seed: int) -> None:
    mask = random_mask(np.random.default_rng(seed))
    height, width = mask.shape
    drawn = coco_mask.decode(polygons_to_rle(mask_to_polygons(mask), size=(width, height)))
    assert np.array_equal(drawn.astype(bool) if mask.any() else mask, mask)


def test_a_hole_stays_one() -> None:
    mask = np.ones((20, 20), bool)
    mask[5:8, 5:8] = mask[12:15, 3:6] = False
    polygons = mask_to_polygons(mask)
    assert len(polygons) == 1
    assert np.array_equal(polygons_to_mask(polygons, side=20).astype(bool), mask)


def test_an_empty_mask_has_no_polygons() -> None:
    assert mask_to_polygons(np.zeros((4, 4))) == []
    assert polygons_to_mask([], side=4).tolist() == np.zeros((4, 4)).tolist()


def test_masks_are_those_of_pycocotools() -> None:
    data, (width, height) = three(), SIZE
    square, runs, both = (
        coco_mask.merge(coco_mask.frPyObjects([SQUARE], height, width)),
        coco_mask.frPyObjects({"size": [height, width], "counts": RUNS}, height, width),
        coco_mask.merge(coco_mask.frPyObjects([TRIANGLE, SQUARE], height, width)),
    )
    assert [data.rle(row, size=SIZE) for row in range(3)] == [square, runs, both]


def test_runs_become_polygons_when_looked_at() -> None:
    mask = runs_to_mask(np.array(RUNS), size=SIZE)
    assert mask.shape == SIZE[::-1]
    assert np.array_equal(mask, coco_mask.decode(three().rle(1, size=SIZE)))
    again = coco_mask.decode(polygons_to_rle(three().polygons(1, size=SIZE), size=SIZE))
    assert np.array_equal(again, mask)


def test_selection_keeps_each_object_whole() -> None:
    data = three()
    chosen = data.select(np.array([2, 0]))
    assert len(chosen) == 2
    assert [part.ravel().tolist() for part in chosen.polygons(0, size=SIZE)] == [TRIANGLE, SQUARE]
    assert [part.ravel().tolist() for part in chosen.polygons(1, size=SIZE)] == [SQUARE]
    assert data.select(np.arange(3)) is data
    assert len(data.select(np.array([], np.int64)).values) == 0


def test_lists_end_to_end() -> None:
    offsets = start_offsets(np.array([2, 0, 3]))
    assert offsets.tolist() == [0, 2, 2, 5]
    rows, chosen = select_lists(offsets, np.array([2, 1, 0]))
    assert rows.tolist() == [2, 3, 4, 0, 1]
    assert chosen.tolist() == [0, 3, 3, 5]
