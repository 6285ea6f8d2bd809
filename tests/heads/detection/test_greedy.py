"""Suppression, beside torchvision's own."""

import subprocess
import sys

import pytest
import torch
from torchvision.ops import batched_nms
from torchvision.ops import nms as torchvision_nms

from heads.detection import greedy
from heads.detection.greedy import grouped_nms, nms


def boxes_of(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes that overlap, and scores of which many are equal."""
    generator = torch.Generator().manual_seed(count)
    corners = torch.rand(count, 2, generator=generator) * 100
    sides = torch.rand(count, 2, generator=generator) * 30 + 1
    scores = (torch.rand(count, generator=generator) * 50).round() / 50
    return torch.cat([corners, corners + sides], dim=1), scores


@pytest.mark.parametrize("count", [0, 1, 300])
def test_the_operator_is_torchvisions(count: int):
    boxes, scores = boxes_of(count)
    assert torch.equal(nms(boxes, scores, 0.4), torchvision_nms(boxes, scores, 0.4))


@pytest.mark.parametrize("count", [0, 1, 300])
@pytest.mark.parametrize("at_once", [0, 4000], ids=["group by group", "all at once"])
def test_groups_do_not_suppress_each_other(
    count: int, at_once: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(greedy, "AT_ONCE", (at_once, at_once))
    boxes, scores = boxes_of(count)
    groups = torch.randint(5, (count,), generator=torch.Generator().manual_seed(0))
    kept = grouped_nms(boxes, scores, groups, 0.4)
    expected = batched_nms(boxes.double(), scores.double(), groups, 0.4)
    assert torch.equal(kept, expected) and (count < 2 or len(kept) < count)


LATER = """
import torch
from heads.detection.greedy import nms

boxes, scores = torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 8]]), torch.tensor([0.5, 0.6])
first = nms(boxes, scores, 0.5)
from torchvision.ops import nms as theirs
assert torch.equal(first, theirs(boxes, scores, 0.5)) and first.tolist() == [1]
"""


def test_torchvision_may_be_imported_afterwards():
    subprocess.run([sys.executable, "-c", LATER], check=True)
