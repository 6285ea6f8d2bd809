"""Crops against torchvision's ``roi_align``."""

import pytest
import torch
from torch import Tensor
from torchvision.ops import roi_align
from torchvision.ops.poolers import LevelMapper

from heads.detection.crops import crop

SIDE = 128


def random_boxes(*shape: int, side: float = SIDE) -> Tensor:
    corners = torch.rand(*shape, 2, 2).sort(dim=-2).values * side
    return corners.flatten(-2)


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("size", [3, 14])
def test_one_map_equals_roi_align(samples: int, size: int) -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 5, 8, 6, requires_grad=True)
    boxes = random_boxes(2, 7, side=96)
    found = crop([features], boxes, strides=[16], size=size, samples=samples)
    expected = roi_align(features, list(boxes), size, 1 / 16, samples, aligned=True)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    slopes = [
        torch.autograd.grad((crops * expected.detach()).sum(), features)[0]
        for crops in (found, expected)
    ]
    torch.testing.assert_close(*slopes, atol=1e-4, rtol=1e-4)


def test_each_box_is_cut_out_of_the_map_that_suits_its_size() -> None:
    torch.manual_seed(0)
    strides = [4, 8, 16]
    maps = [torch.randn(3, 4, SIDE // stride, SIDE // stride) for stride in strides]
    boxes = random_boxes(3, 20)
    level = LevelMapper(2, 4, canonical_scale=16, canonical_level=2)(list(boxes)).view(3, 20)
    assert set(level.flatten().tolist()) == {0, 1, 2}
    found = crop(maps, boxes, strides=strides, size=2, samples=2).view(3, 20, 4, 2, 2)
    for number, stride in enumerate(strides):
        expected = roi_align(maps[number], list(boxes), 2, 1 / stride, 2, aligned=True)
        mine = level == number
        torch.testing.assert_close(found[mine], expected.view_as(found)[mine])


def test_crops_are_channels_last_and_keep_the_precision() -> None:
    features = torch.randn(2, 6, 4, 4, dtype=torch.bfloat16)
    crops = crop([features], random_boxes(2, 3, side=64), strides=[16], size=7)
    assert crops.shape == (6, 6, 7, 7)
    assert crops.dtype == torch.bfloat16
    assert crops.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("box", [[0.0, 0, 0, 0], [64, 64, 64, 64], [-9, -9, 99, 99]])
def test_boxes_of_no_size_or_beyond_the_map_have_values_of_its_edge(box: list[float]) -> None:
    features = torch.rand(1, 2, 4, 4)
    crops = crop([features], torch.tensor([[box]]), strides=[16], size=3)
    assert crops.amin() >= features.amin() and crops.amax() <= features.amax()


def test_no_boxes() -> None:
    crops = crop([torch.rand(2, 5, 4, 4)], torch.zeros(2, 0, 4), strides=[16], size=3)
    assert crops.shape == (0, 5, 3, 3)
