"""Fixed shapes give the detections of ``predict``, in the same order, and export as a whole."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from backbone.errors import InputError
from heads.detection.detections import Detections
from heads.detection.detector import DetectionHead
from heads.detection.fixed import FixedDetections, keep_better
from heads.ssd_pyramid import PyramidSSDHead
from tests.heads import detectors, networks

SIDE = detectors.SIDE
IMAGE = torch.zeros(3, 3, SIDE, SIDE)


def ssd() -> tuple[DetectionHead, dict[str, Tensor]]:
    head = networks.small_head(max_detections=40)
    for layer in head.class_layers:
        nn.init.normal_(layer.weight, std=0.2)  # type: ignore[arg-type]
    return head, networks.random_features(3, SIDE)


def pyramid_ssd() -> tuple[DetectionHead, dict[str, Tensor]]:
    torch.manual_seed(0)
    head = PyramidSSDHead(
        in_channels=detectors.CHANNELS,
        num_classes=networks.NUM_CLASSES,
        features=["c3", "c4", "c5"],
        channels=8,
        max_detections=60,
    )
    for layer in (*head.class_layers, *head.box_layers):
        nn.init.normal_(layer.weight, std=0.5)  # type: ignore[arg-type]
    return head.eval(), detectors.random_features(3)


def two_stage(make: Any) -> Any:
    return lambda: (make(), detectors.random_features(3))


HEADS = {
    "ssd": ssd,
    "ssd_pyramid": pyramid_ssd,
    "faster_rcnn": two_stage(detectors.faster_rcnn),
    "faster_rcnn_fpn": two_stage(detectors.pyramid),
    "mask_rcnn": two_stage(detectors.mask_rcnn),
}


@pytest.fixture(params=HEADS)
def made(request: pytest.FixtureRequest) -> Any:
    return HEADS[request.param]()


@torch.no_grad()
def test_the_same_detections_in_the_same_order(made: Any) -> None:
    head, features = made
    expected = head.predict(features, {"image": IMAGE})
    fixed = head.predict_fixed(features, IMAGE)
    assert len(expected.boxes) > 30
    assert_same(fixed, expected)


@pytest.mark.parametrize("name", ["ssd", "ssd_pyramid"])
@torch.no_grad()
def test_raw_outputs_and_places_decode_to_the_same_detections(name: str) -> None:
    head, features = HEADS[name]()
    expected = head.predict(features, {"image": IMAGE})
    raw = head.undecoded(features, IMAGE)
    assert len(expected.boxes) > 30 and all(len(x) == len(IMAGE) for x in raw.outputs.values())
    found = head.from_deployed(raw.outputs | raw.places, IMAGE)
    for ours, theirs in zip(found[:4], expected[:4], strict=True):
        torch.testing.assert_close(ours, theirs)


def test_what_looks_twice_is_not_left_to_apps() -> None:
    head, features = HEADS["faster_rcnn"]()
    with pytest.raises(InputError, match="not head=faster_rcnn"):
        head.undecoded(features, IMAGE)


def assert_same(fixed: FixedDetections, expected: Detections) -> None:
    for image, count in enumerate(fixed.counts.tolist()):
        own = expected.image == image
        assert count == own.sum() and not fixed.scores[image, count:].any()
        torch.testing.assert_close(fixed.scores[image, :count], expected.scores[own])
        assert torch.equal(fixed.labels[image, :count].long(), expected.labels[own])
        boxes = fixed.boxes[image, :count] * SIDE
        torch.testing.assert_close(boxes, expected.boxes[own], atol=1e-3, rtol=0)
        if expected.masks is not None:
            assert fixed.masks is not None
            masks = fixed.masks[image, :count]
            torch.testing.assert_close(masks, expected.masks[own], atol=1e-4, rtol=0)


class Deployed(nn.Module):
    def __init__(self, head: DetectionHead, names: list[str]) -> None:
        super().__init__()
        self.head = head
        self.names = names

    def forward(self, image: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        found = self.head.deployed(dict(zip(self.names, features, strict=True)), image)
        return tuple(found.values())


def test_decoding_and_suppression_export_as_a_whole(tmp_path: Path) -> None:
    """Of the head that tests/exported has in no network."""
    head, features = HEADS["ssd_pyramid"]()
    network = Deployed(head, list(features)).eval()
    given = (IMAGE, *features.values())
    number = torch.export.Dim("number", min=1, max=64)
    torch.onnx.export(
        network,
        tuple(x[:2] for x in given),
        tmp_path / "head.onnx",
        dynamo=True,
        dynamic_shapes=({0: number}, tuple({0: number} for _ in features)),
        verbose=False,
    )
    session = onnxruntime.InferenceSession(
        tmp_path / "head.onnx", providers=["CPUExecutionProvider"]
    )
    names = [x.name for x in session.get_inputs()]
    found = session.run(None, dict(zip(names, [x.numpy() for x in given], strict=True)))
    with torch.no_grad():
        expected = network(*given)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-4)


def test_a_box_that_is_suppressed_suppresses_none() -> None:
    """Each of a row of boxes overlaps its neighbours: the first, the third, the fifth stay."""
    left = torch.arange(12) * 3.0
    boxes = torch.stack([left, left * 0, left + 10, left * 0 + 10], dim=1)[None]
    kept = keep_better(boxes, torch.ones(1, 12), iou=0.5, labels=None)
    assert kept[0].tolist() == [1, 0] * 6
    labels = torch.tensor([[0, 1] * 6])
    assert keep_better(boxes, torch.ones(1, 12), iou=0.5, labels=labels).all()
