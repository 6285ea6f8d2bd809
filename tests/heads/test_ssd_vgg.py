"""The SSD paper's own anchors, and its norm."""

import pytest
import torch

from heads.detection.losses import SoftmaxCrossEntropy
from heads.ssd_vgg import SSDVGGHead

SIDES = (38, 19, 10, 5, 3, 2)


def ssd_vgg() -> SSDVGGHead:
    return SSDVGGHead(
        in_channels={"c3": 8, "c5": 16},
        num_classes=3,
        classification=SoftmaxCrossEntropy(),
        features=("c3", "c5"),
        max_scale=0.9,
    )


@torch.no_grad()
def test_the_first_map_comes_at_a_length_that_is_learned() -> None:
    head = ssd_vgg().eval()
    features = {"c3": 100 * torch.randn(2, 8, 38, 38), "c5": torch.randn(2, 16, 19, 19)}
    before = head.maps(features)
    lengths = before[0].square().sum(1).sqrt()
    torch.testing.assert_close(lengths, torch.full_like(lengths, 20.0))
    head.norm.scale *= 2
    after = head.maps(features)
    torch.testing.assert_close(after[0], 2 * before[0])
    assert all(torch.equal(*pair) for pair in zip(after[1:], before[1:], strict=True))


def test_anchors_are_those_of_the_ssd_paper() -> None:
    head = ssd_vgg()
    features = {"c3": torch.zeros(1, 8, 38, 38), "c5": torch.zeros(1, 16, 19, 19)}
    anchors = head.anchors(features, torch.zeros(1, 3, 300, 300))
    # section 3.1: 8,732, but for the last map, which is 2x2 here and 1x1 there
    numbers = (4, 6, 6, 6, 4, 4)
    assert len(anchors) == 8732 + 3 * 4
    assert head.outputs(features).boxes.shape == (1, len(anchors), 4)
    start, smallest = 0, []
    for side, number in zip(SIDES, numbers, strict=True):
        smallest.append(anchors[start, 2].item() / 300)
        start += side**2 * number
    assert smallest == pytest.approx([0.1, 0.2, 0.375, 0.55, 0.725, 0.9])
