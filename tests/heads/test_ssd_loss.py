"""SSD's loss against torchvision's, and where torchvision's has nothing to say."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder, SSDMatcher
from torchvision.models.detection.ssd import SSD
from torchvision.ops import box_iou

from backbone.mobilenet import MobileNet
from heads.detection.boxes import cxcywh_to_xyxy
from heads.detection.losses import FocalLoss, SigmoidCrossEntropy, SoftmaxCrossEntropy
from heads.ssd import SSDHead, SSDOutputs
from tests.heads.networks import (
    NUM_CLASSES,
    SIDE,
    Network,
    batch_of,
    random_features,
    small_head,
)  # fmt: skip

NO_BOXES: list[list[float]] = []
OBJECT = [10.0, 20.0, 40.0, 50.0]


def torchvision_loss(
    head: SSDHead, features: dict[str, Tensor], batch: dict[str, Tensor], *, ratio: float
) -> dict[str, Tensor]:
    """Of ``SSD.compute_loss``, which wants lists and labels from 1."""
    outputs = head.outputs(features)
    anchors = cxcywh_to_xyxy(head.anchors(features, batch["image"]))
    targets, matches = [], []
    for boxes, labels in zip(batch["boxes"], batch["labels"], strict=True):
        kept = labels >= 0
        targets.append({"boxes": boxes[kept], "labels": labels[kept] + 1})
        matches.append(SSDMatcher(head.min_iou)(box_iou(boxes[kept], anchors)))
    model = SimpleNamespace(box_coder=BoxCoder((10.0, 10, 5, 5)), neg_to_pos_ratio=ratio)
    raw = {"bbox_regression": outputs.boxes, "cls_logits": outputs.logits}
    losses = SSD.compute_loss(model, targets, raw, [anchors] * len(targets), matches)
    return {"classification": losses["classification"], "box": losses["bbox_regression"]}


def random_batch(counts: list[int]) -> dict[str, Tensor]:
    boxes = []
    for number in counts:
        low = torch.rand(number, 2) * 40
        boxes.append(torch.cat([low, low + 3 + torch.rand(number, 2) * 20], dim=1).tolist())
    labels = [torch.randint(0, NUM_CLASSES - 1, (number,)).tolist() for number in counts]
    return batch_of(boxes, labels)


@pytest.mark.parametrize("counts", [[1, 1], [12, 3, 7], [15]])
@pytest.mark.parametrize("ratio", [3.0, 1.0])
def test_loss_equals_torchvisions(counts: list[int], ratio: float) -> None:
    head = small_head(
        classification=SoftmaxCrossEntropy(), negatives_per_positive=ratio, class_bias=0.0
    )
    batch, features = random_batch(counts), random_features(len(counts))
    found = head.loss(features, batch)
    expected = torchvision_loss(head, features, batch, ratio=ratio)
    for name in ("classification", "box"):
        assert expected[name] > 0.1
        torch.testing.assert_close(found[name], expected[name], atol=1e-5, rtol=1e-5)
    slopes = [
        torch.autograd.grad(sum(losses.values()), list(head.parameters()))
        for losses in (found, expected)
    ]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {"classification": SigmoidCrossEntropy()},
        {"classification": SoftmaxCrossEntropy()},
        {"classification": FocalLoss(), "negatives_per_positive": None},
    ],
    ids=["sigmoid", "softmax", "focal"],
)
@pytest.mark.parametrize(
    ("boxes", "labels"),
    [
        ([NO_BOXES, NO_BOXES], [[], []]),
        ([NO_BOXES, [OBJECT]], [[], [2]]),
        ([[OBJECT, OBJECT], [OBJECT]], [[0, 1], [2]]),
    ],
    ids=["no objects", "one image without", "two objects in one place"],
)
def test_every_batch_teaches(settings: dict[str, Any], boxes: Any, labels: Any) -> None:
    head = small_head(**settings)
    losses = head.loss(random_features(2), batch_of(boxes, labels))
    assert losses["classification"] > 0
    assert (losses["box"] > 0) == any(boxes)
    sum(losses.values()).backward()
    for layer in head.class_layers:
        assert torch.isfinite(layer.weight.grad).all()
    assert any(layer.bias.grad.any() for layer in head.class_layers)


def test_an_image_without_objects_keeps_its_three_hardest_anchors() -> None:
    head = small_head()
    features, batch = random_features(1), batch_of([NO_BOXES], [[]])
    logits = head.outputs(features).logits
    losses = SigmoidCrossEntropy()(logits, torch.zeros(logits.shape[:2], dtype=torch.long))
    found = head.loss(features, batch)
    torch.testing.assert_close(found["classification"], losses.topk(3).values.sum())
    assert found["box"] == 0


def test_padding_changes_nothing() -> None:
    head, features = small_head(), random_features(2)
    batch = random_batch([3, 3])
    padded = dict(batch)
    padded["boxes"] = torch.cat([batch["boxes"], torch.zeros(2, 5, 4)], dim=1)
    padded["labels"] = torch.cat([batch["labels"], torch.full((2, 5), -1)], dim=1)
    found, expected = head.loss(features, padded), head.loss(features, batch)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_box_weight_weighs_the_box_loss_alone() -> None:
    features, batch = random_features(1), random_batch([4])
    single, double = (small_head(box_weight=w).loss(features, batch) for w in (1.0, 2.0))
    torch.testing.assert_close(double["box"], 2 * single["box"])
    assert torch.equal(double["classification"], single["classification"])


def test_all_background_counts_without_mining() -> None:
    head = small_head(negatives_per_positive=None)
    features, batch = random_features(1), batch_of([NO_BOXES], [[]])
    logits = head.outputs(features).logits
    expected = SigmoidCrossEntropy()(logits, torch.zeros(logits.shape[:2], dtype=torch.long)).sum()
    torch.testing.assert_close(head.loss(features, batch)["classification"], expected)


def test_a_perfect_output_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    head = small_head()
    features = random_features(1)
    anchors = cxcywh_to_xyxy(head.anchors(features, torch.zeros(1, 3, SIDE, SIDE)))
    logits = torch.full((1, len(anchors), NUM_CLASSES), -50.0)
    logits[..., 0] = 50
    matched = (box_iou(anchors, anchors[60:61]) >= 0.5).flatten()
    logits[0, matched, 0], logits[0, matched, 2] = -50, 50
    codes = BoxCoder((10.0, 10, 5, 5)).encode_single(anchors[60:61].expand_as(anchors), anchors)
    monkeypatch.setattr(head, "outputs", lambda _: SSDOutputs(logits, codes[None]))
    losses = head.loss(features, batch_of([anchors[60:61].tolist()], [[1]]))
    assert losses["classification"] < 1e-6
    assert losses["box"] < 1e-6


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = SSDHead(
        in_channels=backbone.out_channels,
        num_classes=NUM_CLASSES,
        classification=SigmoidCrossEntropy(),
        negatives_per_positive=None,
        class_bias=0.0,
    )
    network = Network(backbone, head).train()
    image = torch.randn(4, 3, SIDE, SIDE)
    features = network.backbone(image)
    anchors = cxcywh_to_xyxy(head.anchors(features, image))
    boxes = anchors[[0, 48, 72, 78, 84, 90]].tolist()  # one of each map
    batch = batch_of([boxes] * 4, [[0, 1, 2, 0, 1, 2]] * 4)
    sum(head.loss(features, batch).values()).backward()
    without = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


def test_anchors_made_while_evaluating_serve_in_training() -> None:
    head, batch = small_head(), random_batch([2])
    with torch.inference_mode():
        head.predict(random_features(1), batch)
    sum(head.loss(random_features(1), batch).values()).backward()
    assert all(isinstance(p, nn.Parameter) and p.grad is not None for p in head.parameters())
