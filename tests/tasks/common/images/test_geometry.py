"""Frames: there, back, and one after the other."""

import numpy as np
import pytest

from tasks.common.images.geometry import (
    Shown,
    boxes_to_photo,
    chained,
    in_size,
    inverse,
    is_mirrored,
    moved,
    rectangle_frame,
    to_network,
    to_photo,
)
from tasks.common.images.transforms import Transforms

A = pytest.importorskip("albumentations")
SIDE = 32
MIRROR = np.array([[-1, 0, SIDE], [0, 1, 0.0]])


@pytest.fixture
def frames() -> np.ndarray:
    """Turned, scaled, shifted and some of them mirrored, ``(20, 2, 3)``."""
    return np.random.default_rng(0).normal(0, 3, (20, 2, 3)) + np.eye(2, 3)


def test_a_rectangle_is_shown_in_another() -> None:
    frame = rectangle_frame([10, 20, 50, 40], [0, 10, 20, 50])
    corners = np.array([[10, 20], [50, 20], [50, 40], [10, 40]])
    assert to_network(corners, frame).tolist() == [[0, 10], [20, 10], [20, 50], [0, 50]]


def test_the_way_back_ends_where_the_way_there_began(frames: np.ndarray) -> None:
    points = np.random.default_rng(1).uniform(0, 1000, (20, 7, 2))
    there = np.stack([to_network(own, frame) for own, frame in zip(points, frames, strict=True)])
    back = to_photo(there, frames)
    np.testing.assert_allclose(back, points)


def test_one_frame_after_another_is_a_single_one(frames: np.ndarray) -> None:
    points = np.random.default_rng(1).uniform(0, 100, (7, 2))
    for outer, inner in zip(frames[::2], frames[1::2], strict=True):
        expected = moved(moved(points, inner), outer)
        np.testing.assert_allclose(moved(points, chained(outer, inner)), expected)
        np.testing.assert_allclose(moved(moved(points, inner), inverse(inner)), points)


def test_a_photo_of_another_size_has_its_points_elsewhere(frames: np.ndarray) -> None:
    other = in_size(frames[0], (640, 480), (320, 120))
    np.testing.assert_allclose(moved(np.ones(2), other), moved(np.ones(2), frames[0]) / [2, 4])


def test_boxes_of_a_whole_photo_are_scaled_back() -> None:
    boxes = np.array([[0, 0, 300, 300], [10.5, 20, 30, 250]])
    frames = rectangle_frame([0, 0, 640, 480], [0, 0, 300, 300])[None].repeat(2, axis=0)
    expected = boxes * np.array([640, 480, 640, 480]) / 300
    np.testing.assert_allclose(boxes_to_photo(boxes, frames), expected)
    assert boxes_to_photo(boxes[:0], frames[:0]).shape == (0, 4)


def test_boxes_of_a_mirror_keep_their_left_on_the_left() -> None:
    box = boxes_to_photo(np.array([[2.0, 3, 10, 5]]), MIRROR[None])
    assert box.tolist() == [[22, 3, 30, 5]]


def test_a_mirror_has_a_negative_determinant() -> None:
    assert is_mirrored(MIRROR) and not is_mirrored(chained(MIRROR, MIRROR))


def test_a_flip_is_the_mirror_exactly() -> None:
    shown = Shown(np.zeros((SIDE, SIDE, 3), np.uint8), np.eye(2, 3))
    flipped = Transforms([A.HorizontalFlip(p=1)])(shown, np.random.default_rng(0))
    assert np.array_equal(flipped.frame, MIRROR)


def test_colours_leave_the_frame_alone(frames: np.ndarray) -> None:
    shown = Shown(np.full((SIDE, SIDE, 3), 100, np.uint8), frames[0])
    bright = Transforms([A.RandomBrightnessContrast((0.2, 0.2), p=1)])
    assert np.array_equal(bright(shown, np.random.default_rng(0)).frame, frames[0])
