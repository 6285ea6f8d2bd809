"""Matching against torchvision's, mining against a slow loop."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import SSDMatcher
from torchvision.ops import box_iou

from heads.detection.matching import NO_OBJECT, hardest_negatives, match_anchors
from tests.heads.detection.test_boxes import random_boxes


def match(boxes: Tensor, anchors: Tensor, *, is_object: Tensor | None = None) -> Tensor:
    if is_object is None:
        is_object = torch.ones(boxes.shape[:2], dtype=torch.bool)
    return match_anchors(boxes, is_object, anchors, min_iou=0.5)


def theirs(boxes: Tensor, anchors: Tensor) -> Tensor:
    return SSDMatcher(0.5)(box_iou(boxes, anchors)).clamp(min=NO_OBJECT)


@pytest.mark.parametrize("num_boxes", [1, 5, 30])
@pytest.mark.parametrize("seed", range(3))
def test_matches_equal_torchvisions(num_boxes: int, seed: int) -> None:
    boxes, anchors = random_boxes(4, num_boxes, seed=seed), random_boxes(300, seed=9)
    expected = torch.stack([theirs(image, anchors) for image in boxes])
    assert (expected >= 0).any(1).all()
    assert torch.equal(match(boxes, anchors), expected)


def test_padding_changes_nothing() -> None:
    anchors = random_boxes(300, seed=9)
    boxes = torch.zeros(3, 8, 4)
    counts = (8, 3, 0)
    for row, number in enumerate(counts):
        boxes[row, :number] = random_boxes(number, seed=row)
    is_object = torch.arange(8) < torch.tensor(counts)[:, None]
    found = match(boxes, anchors, is_object=is_object)
    for row, number in enumerate(counts[:2]):
        assert torch.equal(found[row], theirs(boxes[row, :number], anchors))
    assert (found[2] == NO_OBJECT).all()


def test_a_batch_without_objects() -> None:
    found = match(torch.zeros(2, 0, 4), random_boxes(10))
    assert found.dtype == torch.long and found.tolist() == [[NO_OBJECT] * 10] * 2


ANCHORS = torch.tensor([[0.0, 0, 10, 10], [100, 100, 110, 110]])


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([[0, 0, 10, 6]], [0, NO_OBJECT]),  # 0.6
        ([[0, 0, 10, 5]], [0, NO_OBJECT]),  # 0.5 is enough
        ([[0, 0, 10, 1]], [0, NO_OBJECT]),  # 0.1, but nobody else would take it
        ([[0, 0, 10, 9], [0, 0, 10, 8]], [1, NO_OBJECT]),  # both want it: the later one
        ([[0, 0, 10, 1], [0, 0, 10, 9]], [1, NO_OBJECT]),
        ([[0, 0, 10, 9], [100, 100, 110, 109]], [0, 1]),
        ([[50, 50, 60, 60]], [0, NO_OBJECT]),  # overlaps nothing: the first anchor
    ],
)
def test_matches_by_hand(boxes: list[list[float]], expected: list[int]) -> None:
    found = match(torch.tensor([boxes]).float(), ANCHORS)[0]
    assert found.tolist() == expected
    assert torch.equal(found, theirs(torch.tensor(boxes).float(), ANCHORS))


def slow_negatives(losses: Tensor, positive: Tensor, per_positive: float) -> Tensor:
    picked = torch.zeros_like(positive)
    for image in range(len(losses)):
        number = per_positive * max(int(positive[image].sum()), 1)
        background = [a for a in range(losses.shape[1]) if not positive[image, a]]
        background.sort(key=lambda a: -float(losses[image, a]))
        picked[image, [a for rank, a in enumerate(background) if rank < number]] = True
    return picked


@pytest.mark.parametrize("per_positive", [3.0, 1.0, 0.5, 1000.0])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
def test_negatives_equal_those_of_a_slow_loop(per_positive: float, share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    losses = torch.rand(4, 60, generator=generator)
    positive = torch.rand(4, 60, generator=generator) < share
    found = hardest_negatives(losses, positive, per_positive=per_positive)
    assert torch.equal(found, slow_negatives(losses, positive, per_positive))
