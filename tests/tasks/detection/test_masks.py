"""Predicted masks: pasted into the photo, and packed for gathering."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pycocotools import mask as coco_mask

from tasks.common.images.canvas import Canvas
from tasks.detection.drawing import draw_detections
from tasks.detection.scoring.masks import rles_from_tensors, rles_to_tensors
from tasks.detection.scoring.pasting import mask_to_rle, paste_masks

FRAME = np.array([[90, 70]])


def paste(shares: torch.Tensor, box: list[float]) -> np.ndarray:
    (rle,) = paste_masks(shares.numpy()[None], np.array([box]), FRAME)
    return coco_mask.decode(rle).astype(bool)


@pytest.mark.parametrize("seed", range(3))
def test_pasting_is_bilinear_interpolation_over_the_box(seed: int) -> None:
    torch.manual_seed(seed)
    shares = F.avg_pool2d(torch.rand(1, 28, 28), 5, stride=1, padding=2)
    expected = np.zeros((70, 90), bool)
    resized = F.interpolate(shares[None], size=(40, 50), mode="bilinear", align_corners=False)
    expected[20:60, 10:60] = resized[0, 0] > 0.5
    assert 0 < expected.sum() < 2000
    assert np.array_equal(paste(shares[0], [10, 20, 60, 60]), expected)


@pytest.mark.parametrize(
    ("box", "columns", "rows"),
    [
        ([10, 20, 60, 60], (10, 60), (20, 60)),
        ([10.4, 20.5, 60.5, 60.6], (10, 60), (20, 61)),  # pixels whose centre is inside
        ([-20, -30, 200, 300], (0, 90), (0, 70)),
        ([89.2, 69.2, 95, 95], (89, 90), (69, 70)),
        ([200, 10, 300, 20], (0, 0), (0, 0)),
        ([10.6, 10.6, 11.4, 11.4], (0, 0), (0, 0)),  # between centres
        ([30, 30, 30, 30], (0, 0), (0, 0)),
    ],
)
def test_a_full_mask_fills_its_box(
    box: list[float], columns: tuple[int, int], rows: tuple[int, int]
) -> None:
    expected = np.zeros((70, 90), bool)
    expected[slice(*rows), slice(*columns)] = True
    assert np.array_equal(paste(torch.ones(28, 28), box), expected)
    assert not paste(torch.zeros(28, 28), box).any()


@pytest.mark.parametrize("seed", range(40))
def test_runs_are_those_of_the_whole_photo(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = rng.integers(1, 20, 2)
    corner = rng.integers(0, frame) if seed % 3 else np.zeros(2, int)
    width, height = rng.integers(0, frame - corner + 1) if seed % 3 else frame
    mask = rng.random((height, width)) < rng.choice([0.2, 0.9, 1])
    whole = np.zeros(frame[::-1], np.uint8, order="F")
    whole[corner[1] : corner[1] + height, corner[0] : corner[0] + width] = mask
    assert mask_to_rle(mask, corner=corner, size=frame) == coco_mask.encode(whole)


def test_packing_loses_nothing() -> None:
    boxes = np.array([[10.0, 20, 60, 60], [0, 0, 5, 5], [80, 60, 90, 70]])
    rles = paste_masks(torch.rand(3, 28, 28).numpy(), boxes, FRAME.repeat(3, axis=0))
    unpacked = rles_from_tensors(**rles_to_tensors(rles))
    assert [rle | {"counts": rle["counts"].encode()} for rle in unpacked] == rles
    assert rles_from_tensors(**rles_to_tensors([])) == []


def test_drawing_colours_the_mask_alone() -> None:
    (rle,) = paste_masks(np.ones((1, 28, 28)), np.array([[20.0, 20, 70, 60]]), FRAME)
    thing = {"category_id": 1, "name": "thing", "bbox": [5, 5, 80, 60]}
    pixels = np.full((70, 90, 3), 200, np.uint8)
    plain, masked = Canvas(pixels), Canvas(pixels)
    draw_detections(plain, [thing])
    draw_detections(masked, [thing | {"segmentation": rle}])
    changed = (plain.picture() != masked.picture()).any(axis=-1)
    photo = cv2.resize(changed.astype(np.uint8), (90, 70), interpolation=cv2.INTER_NEAREST)
    assert photo[30:50, 30:60].all()
    assert photo.sum() <= 54 * 44  # enlarging reaches two pixels beyond the edges
    assert (pixels == 200).all()
