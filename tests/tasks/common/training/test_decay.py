"""Which parameters decay."""

import pytest
import torch
from torch import nn

from backbone.mobilenet import MobileNet
from heads.detection.losses import SigmoidCrossEntropy
from heads.ssd import SSDHead
from tasks.common.training.decay import parameter_groups


def detector() -> nn.Module:
    backbone = MobileNet(width=0.25)
    head = SSDHead(
        in_channels=backbone.out_channels, num_classes=4, classification=SigmoidCrossEntropy()
    )
    return nn.ModuleDict({"backbone": backbone, "head": head})


def test_pointwise_filters_decay_and_nothing_else() -> None:
    module = detector()
    decayed, free = parameter_groups(module)
    assert "weight_decay" not in decayed and free["weight_decay"] == 0
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    decaying = {names[id(parameter)] for parameter in decayed["params"]}
    expected = {
        name
        for name in names.values()
        if name.endswith("weight") and ".norm." not in name and "depthwise" not in name
    }
    assert decaying == expected
    assert {"backbone.stem.conv.weight", "head.class_layers.0.weight"} <= decaying
    assert "backbone.blocks.3.depthwise.conv.weight" not in decaying


def test_every_parameter_is_in_one_group() -> None:
    module = detector()
    grouped = [id(p) for group in parameter_groups(module) for p in group["params"]]
    assert sorted(grouped) == sorted(map(id, module.parameters()))


@pytest.mark.parametrize(
    ("layer", "decays"),
    [
        (nn.Conv2d(1, 4, 3), True),  # one channel is no depthwise filter
        (nn.Conv2d(4, 4, 3, groups=2), True),
        (nn.Conv2d(4, 8, 3, groups=4), False),
        (nn.Linear(3, 3), True),
        (nn.BatchNorm2d(3), False),
        (nn.BatchNorm1d(3), False),
    ],
    ids=str,
)
def test_layers_by_kind(layer: nn.Module, decays: bool) -> None:
    groups = parameter_groups(layer)
    found = [
        "weight_decay" not in group
        for group in groups
        if any(p is layer.weight for p in group["params"])
    ]
    assert found == [decays]


def test_an_optimiser_decays_what_it_should() -> None:
    module = detector()
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    optimizer = torch.optim.SGD(parameter_groups(module), lr=0.1, weight_decay=0.5)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in module.named_parameters():
        decays = parameter.ndim > 1 and "depthwise" not in name
        torch.testing.assert_close(parameter, before[name] * (0.95 if decays else 1))
