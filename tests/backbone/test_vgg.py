"""VGG16 against torchvision's, and its dilated variant against torchvision's SSD."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import alexnet, vgg11, vgg16, vgg16_bn, vgg19
from torchvision.models.detection import ssd300_vgg16

from backbone.backbone import Backbone
from backbone.errors import InputError
from backbone.vgg import DEVIATION, MEAN, VGG16, DeepLabVGG16
from heads.converters.torchvision_vgg16 import vgg_tensors
from heads.ssd_vgg import LearnedNorm

Published = tuple[nn.Module, dict[str, Tensor]]


@pytest.fixture(scope="module")
def published() -> Published:
    """torchvision's network, random, and its tensors under our names."""
    torch.manual_seed(0)
    network = vgg16(num_classes=5).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.bias, std=0.1)
    return network, vgg_tensors(network.state_dict())


def loaded(backbone: Backbone, tensors: Mapping[str, Tensor]) -> Backbone:
    missing, _ = backbone.load_state_dict(tensors, strict=False)
    assert missing == []
    return backbone.eval()


def photos(*sides: int) -> Tensor:
    torch.manual_seed(1)
    return torch.rand(2, 3, *sides)


def normalised(photo: Tensor) -> Tensor:
    """As torchvision's weights expect them, from values in [0, 1]."""
    return (photo - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)


@pytest.mark.parametrize("sides", [(64, 96), (75, 50)])
@torch.no_grad()
def test_features_equal_torchvisions(published: Published, sides: tuple[int, int]) -> None:
    theirs, tensors = published
    photo = photos(*sides)
    features = loaded(VGG16(), tensors)(photo * 2 - 1)
    x, expected = normalised(photo), []
    for number, layer in enumerate(theirs.features):
        x = layer(x)
        if number in (15, 22, 29):  # after the last activation before a pooling
            expected.append(x.clone())
    expected.append(theirs.classifier[:6](theirs.avgpool(x).flatten(1))[:, :, None, None])
    for feature, wanted in zip(features.values(), expected, strict=True):
        assert wanted.std() > 1e-2
        torch.testing.assert_close(feature, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("side", "expected"), [(300, [75, 37, 18]), (64, [16, 8, 4])])
def test_pooling_rounds_down(side: int, expected: list[int]) -> None:
    """The paper's count of operations needs it."""
    with torch.device("meta"):
        features = VGG16().trunk(torch.zeros(1, 3, side, side))
    assert [feature.shape[-1] for feature in features.values()] == expected


def test_ssd_sees_the_maps_of_the_published_network() -> None:
    with torch.device("meta"):
        network = DeepLabVGG16()
        features = network(torch.zeros(1, 3, 300, 300))
    assert [feature.shape[-1] for feature in features.values()] == [75, 38, 19, 19]
    assert [network.out_channels[key] for key in ("c3", "c5")] == [512, 1024]


@torch.no_grad()
def test_dilated_features_equal_those_of_torchvisions_ssd() -> None:
    torch.manual_seed(0)
    theirs = ssd300_vgg16(weights=None, weights_backbone=None).backbone.eval()
    theirs.extra = theirs.extra[:1]  # those after it are the head's
    convolutions = [layer for layer in theirs.modules() if isinstance(layer, nn.Conv2d)]
    ours = DeepLabVGG16().eval()
    layers = [layer for layer in ours.modules() if isinstance(layer, nn.Conv2d)]
    for layer, other in zip(layers, convolutions, strict=True):
        layer.load_state_dict(other.state_dict())
    photo = photos(76, 76)  # 19 is the one odd side before a pooling, as 75 is with 300
    features, expected = ours(photo * 2 - 1), theirs(normalised(photo))
    normed = LearnedNorm(512, scale=20.0)(features["c3"])
    for found, wanted in ((normed, expected["0"]), (features["c5"], expected["1"])):
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


def test_dilated_convolutions_are_samples_of_the_full_layers(published: Published) -> None:
    theirs, tensors = published
    fc6, fc7 = (theirs.classifier[number] for number in (0, 3))
    network = loaded(DeepLabVGG16(), tensors)
    for output, row, column in ((0, 0, 0), (5, 1, 2), (1023, 2, 2)):
        place = 3 * row * 7 + 3 * column
        expected = fc6.weight[4 * output, place :: 7 * 7]
        assert torch.equal(network.conv6.weight[output, :, row, column], expected)
    assert torch.equal(network.conv7.weight[9, :, 0, 0], fc7.weight[36, ::4])
    assert torch.equal(network.conv7.bias, fc7.bias[::4])


@pytest.mark.parametrize("make", [vgg11, vgg19, vgg16_bn, alexnet])
def test_other_networks_are_refused(make: Any) -> None:
    with torch.device("meta"):
        state = make().state_dict()
    state = {name: torch.ones(()).expand(value.shape) for name, value in state.items()}
    with pytest.raises(InputError, match=r"Not a state dict of torchvision's vgg16: features\.\d+"):
        vgg_tensors(state)


def test_weights_without_fully_connected_layers_are_refused(published: Published) -> None:
    """torchvision fills them with values that are no numbers in one of its files."""
    state = dict(published[0].state_dict())
    state["classifier.3.bias"] = torch.full_like(state["classifier.3.bias"], float("nan"))
    with pytest.raises(InputError, match=r"classifier\.3\.bias holds values that are no numbers"):
        vgg_tensors(state)
    del state["classifier.3.bias"]
    with pytest.raises(InputError, match=r"classifier\.3\.bias is missing"):
        vgg_tensors(state)
