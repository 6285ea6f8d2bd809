"""The network parts of the heads export, with a free number of inputs, and compute the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from backbone.mobilenet import MobileNet
from heads.detection.losses import SigmoidCrossEntropy
from heads.ssd import SSDHead
from tests.heads.detectors import faster_rcnn, mask_rcnn, pyramid, random_features
from tests.heads.networks import Network


class Part(nn.Module):
    """A function of tensors to tensors, with the module that it belongs to."""

    def __init__(self, module: nn.Module, function: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.module = module
        self.function = function

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.function(*inputs)


def assert_exports(
    module: nn.Module,
    function: Callable[..., tuple[Tensor, ...]],
    inputs: tuple[Tensor, ...],
    *,
    path: Path,
) -> None:
    """Exported for two images or crops, it computes the same for as many as ``inputs`` has."""
    part = Part(module, function).eval()
    number = torch.export.Dim("number", min=1, max=64)
    torch.onnx.export(
        part,
        tuple(x[:2] for x in inputs),
        path,
        dynamo=True,
        dynamic_shapes=(tuple({0: number} for _ in inputs),),
        verbose=False,
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    arrays = [x.numpy() for x in inputs]
    found = session.run(None, dict(zip(names, arrays, strict=True)))
    with torch.no_grad():
        expected = part(*inputs)
    for ours, theirs in zip(found, expected, strict=True):
        assert len(theirs) == len(inputs[0]) > 2 and theirs.std() > 0
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-4)


def test_a_backbone_and_one_stage_export_without_decoding(tmp_path: Path) -> None:
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = SSDHead(
        in_channels=backbone.out_channels, num_classes=4, classification=SigmoidCrossEntropy()
    )
    images = torch.rand(3, 3, 96, 96) * 2 - 1
    network = Network(backbone, head).eval()
    assert_exports(
        network,
        lambda image: tuple(head.outputs(backbone(image))),
        (images,),
        path=tmp_path / "network.onnx",
    )


@pytest.mark.parametrize("make", [faster_rcnn, pyramid])
def test_two_stages_export_apart(make: Any, tmp_path: Path) -> None:
    head, features = make(), random_features(3)

    def first_stage(*maps: Tensor) -> tuple[Tensor, ...]:
        found, outputs = head.first_stage(dict(zip(features, maps, strict=True)))
        return (*found, *outputs)

    assert_exports(head, first_stage, tuple(features.values()), path=tmp_path / "first.onnx")
    crops = crops_of(head, features)
    assert_exports(head, head.second_stage, (crops,), path=tmp_path / "second.onnx")


def test_masks_export(tmp_path: Path) -> None:
    head, features = mask_rcnn(), random_features(3)
    assert_exports(
        head,
        lambda crops: (head.mask_stage(crops),),
        (crops_of(head, features),),
        path=tmp_path / "masks.onnx",
    )


@torch.no_grad()
def crops_of(head: Any, features: dict[str, Tensor]) -> Tensor:
    boxes = torch.tensor([[[8.0, 8.0, 40.0, 60.0], [0.0, 30.0, 90.0, 96.0]]]).expand(3, -1, -1)
    crops: Tensor = head.crops(head.maps(features), boxes)
    return crops
