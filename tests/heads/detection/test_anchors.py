"""Anchors against the published numbers."""

import pytest
import torch

from heads.detection.anchors import grid_anchors, ssd_anchor_shapes

# Width and height as the SSD-MobileNet release has them, to three digits.
PUBLISHED = [
    [(0.1, 0.1), (0.283, 0.141), (0.141, 0.283)],
    [(0.35, 0.35), (0.495, 0.247), (0.247, 0.495), (0.606, 0.202), (0.202, 0.606), (0.418, 0.418)],
    [(0.5, 0.5), (0.707, 0.354), (0.354, 0.707), (0.866, 0.289), (0.289, 0.866), (0.57, 0.57)],
    [(0.65, 0.65), (0.919, 0.46), (0.46, 0.919), (1.126, 0.375), (0.375, 1.126), (0.721, 0.721)],
    [(0.8, 0.8), (1.131, 0.566), (0.566, 1.131), (1.386, 0.462), (0.462, 1.386), (0.872, 0.872)],
    [(0.95, 0.95), (1.344, 0.672), (0.672, 1.344), (1.645, 0.548), (0.548, 1.645), (0.975, 0.975)],
]
SIDES = (19, 10, 5, 3, 2, 1)


def test_shapes_are_the_published_ones() -> None:
    shapes = ssd_anchor_shapes(6, min_scale=0.2, max_scale=0.95)
    for found, expected in zip(shapes, PUBLISHED, strict=True):
        assert [size for pair in found for size in pair] == pytest.approx(
            [size for pair in expected for size in pair], abs=6e-4
        )


def test_places_are_row_by_row_and_anchors_within_a_place() -> None:
    shapes = ssd_anchor_shapes(6, min_scale=0.2, max_scale=0.95)
    anchors = grid_anchors([(side, side) for side in SIDES], shapes)
    assert anchors.shape == (1917, 4)
    half = 0.5 / 19
    expected = {
        0: (half, half, 0.1, 0.1),
        1: (half, half, 0.283, 0.141),
        3: (3 * half, half, 0.1, 0.1),  # the next column
        3 * 19: (half, 3 * half, 0.1, 0.1),  # the next row
        3 * 19**2: (0.05, 0.05, 0.35, 0.35),  # the next map
        3 * 19**2 + 6 * 10: (0.05, 0.15, 0.35, 0.35),
        1916: (0.5, 0.5, 0.975, 0.975),
    }
    for number, anchor in expected.items():
        assert anchors[number].tolist() == pytest.approx(anchor, abs=6e-4)


def test_maps_need_not_be_square() -> None:
    anchors = grid_anchors([(2, 3)], [[(0.5, 0.2)]])
    expected = [(x, y, 0.5, 0.2) for y in (0.25, 0.75) for x in (1 / 6, 0.5, 5 / 6)]
    torch.testing.assert_close(anchors, torch.tensor(expected))


def test_smaller_objects_get_smaller_anchors() -> None:
    shapes = ssd_anchor_shapes(6, min_scale=0.1, max_scale=0.9)
    assert shapes[0][0] == pytest.approx((0.05, 0.05))
    assert shapes[1][0] == pytest.approx((0.26, 0.26))
    assert shapes[-1][0] == pytest.approx((0.9, 0.9))
