"""Box arithmetic against torchvision's."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_convert, box_iou

from heads.detection.boxes import cxcywh_to_xyxy, decode, encode, pairwise_iou, xyxy_to_cxcywh

CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))


def random_boxes(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(*shape, 2, generator=generator) * 250
    return torch.cat([low, low + 1 + torch.rand(*shape, 2, generator=generator) * 100], dim=-1)


def test_corners_and_centres() -> None:
    boxes = random_boxes(50)
    torch.testing.assert_close(xyxy_to_cxcywh(boxes), box_convert(boxes, "xyxy", "cxcywh"))
    torch.testing.assert_close(cxcywh_to_xyxy(xyxy_to_cxcywh(boxes)), boxes)


def test_encode_equals_torchvisions() -> None:
    boxes, anchors = random_boxes(200), random_boxes(200, seed=1)
    found = encode(xyxy_to_cxcywh(boxes), xyxy_to_cxcywh(anchors))
    torch.testing.assert_close(found, CODER.encode_single(boxes, anchors), atol=1e-4, rtol=1e-5)


def test_decode_equals_torchvisions() -> None:
    codes, anchors = torch.randn(200, 4) * 3, random_boxes(200)
    found = cxcywh_to_xyxy(decode(codes, xyxy_to_cxcywh(anchors)))
    torch.testing.assert_close(found, CODER.decode_single(codes, anchors), atol=1e-3, rtol=1e-5)


def test_decode_undoes_encode() -> None:
    boxes, anchors = random_boxes(3, 40), xyxy_to_cxcywh(random_boxes(40, seed=1))
    boxes = xyxy_to_cxcywh(boxes)
    torch.testing.assert_close(decode(encode(boxes, anchors), anchors), boxes)


def test_a_wild_code_stays_finite() -> None:
    anchors = torch.tensor([150.0, 150, 30, 30])
    decoded = decode(torch.full((4,), 1e6), anchors)
    assert torch.isfinite(decoded).all()
    assert (decoded[2:] > 300).all()


def test_iou_equals_torchvisions_in_batches() -> None:
    boxes, others = random_boxes(3, 7), random_boxes(3, 20, seed=1)
    expected = torch.stack([box_iou(a, b) for a, b in zip(boxes, others, strict=True)])
    torch.testing.assert_close(pairwise_iou(boxes, others), expected)
    expected = torch.stack([box_iou(a, others[0]) for a in boxes])
    torch.testing.assert_close(pairwise_iou(boxes, others[0]), expected)


@pytest.mark.parametrize(
    ("box", "iou"),
    [
        ([0, 0, 10, 10], 1),
        ([5, 0, 15, 10], 1 / 3),
        ([10, 0, 20, 10], 0),  # touches
        ([20, 20, 30, 30], 0),
        ([2, 2, 4, 4], 0.04),
        ([5, 5, 5, 5], 0),  # no area: padding
    ],
)
def test_iou_by_hand(box: list[float], iou: float) -> None:
    found = pairwise_iou(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([box]).float())
    assert found.item() == pytest.approx(iou)
