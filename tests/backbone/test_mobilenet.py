"""MobileNet's shapes, cut and settings."""

import pytest
import torch
from torch import nn

from backbone.errors import InputError
from backbone.mobilenet import BLOCKS, MobileNet

WIDTHS = (0.25, 0.5, 0.75, 1.0)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("size", [(64, 64), (75, 33)])
def test_features_have_the_shapes_declared(width: float, size: tuple[int, int]) -> None:
    network = MobileNet(width=width).eval()
    features = network(torch.zeros(1, 3, *size))
    assert list(features) == ["c2", "c3", "c4", "c5"]
    for key, feature in features.items():
        channels = int({"c2": 128, "c3": 256, "c4": 512, "c5": 1024}[key] * width)
        stride = 2 ** int(key[1])
        assert network.out_channels[key] == channels
        assert network.strides[key] == stride
        assert feature.shape == (1, channels, *(-(-side // stride) for side in size))


def test_ssd_sees_the_maps_of_the_published_network() -> None:
    network = MobileNet(width=0.125).eval()
    sides = [feature.shape[-1] for feature in network(torch.zeros(1, 3, 300, 300)).values()]
    assert sides == [75, 38, 19, 10]


def test_the_last_block_has_stride_one() -> None:
    """The paper's table says 2, its count of operations 1."""
    assert BLOCKS[-1] == (1024, 1)
    assert MobileNet(width=0.125).blocks[-1].depthwise.conv.stride == (1, 1)


def test_layers_are_counted_as_in_the_paper() -> None:
    convolutions = [layer for layer in MobileNet().modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 27  # and the classifier is the 28th layer
    depthwise = [layer for layer in convolutions if layer.groups > 1]
    assert len(depthwise) == 13
    assert all(layer.groups == layer.in_channels == layer.out_channels for layer in depthwise)


def test_trunk_leaves_its_features_as_they_are() -> None:
    """Activations work in place: a feature must not be overwritten by a later block."""
    torch.manual_seed(0)
    network = MobileNet(width=0.25).eval()
    x = network.stem(torch.randn(1, 3, 32, 32))
    expected = []
    for block in network.blocks:
        x = block(x)
        expected.append(x.clone())
    torch.manual_seed(0)
    network = MobileNet(width=0.25).eval()
    features = network(torch.randn(1, 3, 32, 32))
    for key, number in {"c2": 3, "c3": 5, "c4": 11, "c5": 13}.items():
        assert torch.equal(features[key], expected[number - 1])


@pytest.mark.parametrize("same_padding", [True, False])
def test_every_parameter_gets_a_gradient(same_padding: bool) -> None:
    torch.manual_seed(0)
    network = MobileNet(width=0.25, same_padding=same_padding)
    network(torch.randn(4, 3, 64, 64))["c5"].square().sum().backward()
    without = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


def test_settings_rebuild_the_network() -> None:
    network = MobileNet(width=0.5, same_padding=False, relu6=False)
    again = MobileNet(**network.settings)
    shapes = {name: value.shape for name, value in again.state_dict().items()}
    assert shapes == {name: value.shape for name, value in network.state_dict().items()}
    assert isinstance(again.stem.act, nn.ReLU) and again.settings == network.settings


def test_narrow_networks_keep_eight_channels() -> None:
    network = MobileNet(width=0.1)
    channels = [network.stem.conv.out_channels]
    channels += [block.pointwise.conv.out_channels for block in network.blocks]
    assert channels == [8, 8, 12, 12, 25, 25, *[51] * 6, 102, 102]


@pytest.mark.parametrize("width", [0, -1.0, float("nan")])
def test_a_width_that_is_not_positive_is_refused(width: float) -> None:
    with pytest.raises(InputError, match=r"width=.* a number above 0"):
        MobileNet(width=width)
