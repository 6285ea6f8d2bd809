"""Assignment and drawing of candidates against torchvision's matcher and by hand."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher
from torchvision.ops import box_iou

from heads.detection.assignment import UNDECIDED, assign, sample
from heads.detection.matching import NO_OBJECT


def random_boxes(*shape: int) -> Tensor:
    low = torch.rand(*shape, 2) * 50
    return torch.cat([low, low + 5 + torch.rand(*shape, 2) * 40], dim=-1)


@pytest.mark.parametrize("keep_best", [True, False])
@pytest.mark.parametrize("ious", [(0.7, 0.3), (0.5, 0.5)], ids=str)
@pytest.mark.parametrize("shared", [True, False])
def test_assignment_equals_torchvisions(
    keep_best: bool, ious: tuple[float, float], shared: bool
) -> None:
    torch.manual_seed(0)
    boxes, candidates = random_boxes(3, 5), random_boxes(40) if shared else random_boxes(3, 40)
    is_object = torch.tensor([[True] * 5, [True] * 2 + [False] * 3, [False] * 4 + [True]])
    found = assign(
        boxes,
        is_object,
        candidates,
        foreground_iou=ious[0],
        background_iou=ious[1],
        keep_best=keep_best,
    )
    for image in range(3):
        numbers = is_object[image].nonzero()[:, 0]
        others = candidates if shared else candidates[image]
        matcher = Matcher(*ious, allow_low_quality_matches=keep_best)
        expected = matcher(box_iou(boxes[image][numbers], others))
        # theirs counts the objects alone
        expected = torch.where(expected >= 0, numbers[expected.clamp(min=0)], expected)
        assert torch.equal(found[image], expected)


def test_an_object_that_nothing_overlaps_takes_nothing() -> None:
    far = torch.tensor([[[90.0, 90, 99, 99]]])
    settings = {"foreground_iou": 0.7, "background_iou": 0.3, "keep_best": True}
    found = assign(far, torch.ones(1, 1, dtype=torch.bool), random_boxes(6) / 2, **settings)
    assert found.tolist() == [[NO_OBJECT] * 6]


def test_without_boxes_all_is_background() -> None:
    found = assign(
        torch.zeros(2, 0, 4),
        torch.zeros(2, 0, dtype=torch.bool),
        random_boxes(2, 3),
        foreground_iou=0.5,
        background_iou=0.5,
    )
    assert found.tolist() == [[NO_OBJECT] * 3] * 2


@pytest.mark.parametrize(
    ("positive", "undecided", "count", "drawn"),
    [
        (10, 5, 8, (2, 6)),  # a quarter with objects, as asked for
        (1, 5, 8, (1, 7)),  # fewer objects, more background
        (10, 28, 8, (2, 2)),  # less background than asked for
        (0, 0, 8, (0, 8)),
        (0, 40, 8, (0, 0)),
        (30, 0, 100, (10, 10)),  # all there is: a quarter of forty, and the background
    ],
)
def test_the_numbers_drawn(
    positive: int, undecided: int, count: int, drawn: tuple[int, int]
) -> None:
    matches = torch.full((2, 40), NO_OBJECT)
    matches[:, :positive] = 3
    matches[:, positive : positive + undecided] = UNDECIDED
    index, counts = sample(matches, count=count, positive_share=0.25)
    assert index.shape == counts.shape == (2, min(count, 40))
    for row, valid in zip(index, counts, strict=True):
        chosen = matches[0][row[valid]]
        assert len(row[valid].unique()) == len(chosen)
        assert ((chosen == 3).sum().item(), (chosen == NO_OBJECT).sum().item()) == drawn


def test_draws_are_even() -> None:
    torch.manual_seed(0)
    matches = torch.full((4000, 8), NO_OBJECT)
    matches[:, :4] = 0
    index, counts = sample(matches, count=4, positive_share=0.5)
    assert counts.all()
    share = torch.bincount(index.flatten(), minlength=8) / 4000
    torch.testing.assert_close(share, torch.full((8,), 0.5), atol=0.04, rtol=0)
