"""What holds of every backbone there is a config of."""

import pytest
import torch
from hydra import compose, initialize_config_dir

from backbone.backbone import Backbone
from tasks.common.networks.building import build_backbone
from tasks.common.settings.configs import CONFIGS
from tests.commands import options

SIDES = (96, 64)  # multiples of 32: nothing to round
# New, its full convolutions drive most values to the ends of ReLU6, where rounding decides: that it
# runs in bfloat16 is all that can be said.
ROUGH = {"conv_mobilenet"}


@pytest.fixture(scope="module", params=options("backbone"))
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """One of each, since the large ones take seconds to make."""
    torch.manual_seed(0)
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("eval", overrides=[f"backbone={request.param}"])
    return build_backbone(config).eval()


def image_for(backbone: Backbone, sides: tuple[int, int] = SIDES) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(2, 3, *(max(side, backbone.min_side) for side in sides)) * 2 - 1


@torch.no_grad()
def test_features_have_the_shapes_declared(backbone: Backbone) -> None:
    image = image_for(backbone)
    features = backbone(image)
    assert list(features) == list(backbone.out_channels) == ["c2", "c3", "c4", "c5"]
    for key, feature in features.items():
        stride = backbone.strides.get(key)
        sides = [side // stride if stride else 1 for side in image.shape[2:]]
        lost = [side - found for side, found in zip(sides, feature.shape[2:], strict=True)]
        assert feature.shape[:2] == (2, backbone.out_channels[key])
        assert set(lost) <= ({0, 1, 2, 3, 4} if backbone.loses_edges else {0})
        assert feature.std() > 0


@pytest.mark.parametrize("sides", [SIDES, (47, 75)])
@torch.no_grad()
def test_the_network_can_be_cut_in_two(backbone: Backbone, sides: tuple[int, int]) -> None:
    image = image_for(backbone, sides)
    whole, trunk = backbone(image), backbone.trunk(image)
    assert list(trunk) == ["c2", "c3", "c4"]
    assert torch.equal(backbone.tail(trunk["c4"]), whole["c5"])
    assert all(torch.equal(trunk[key], whole[key]) for key in trunk)


@torch.no_grad()
def test_the_tail_takes_crops(backbone: Backbone) -> None:
    """As Faster R-CNN cuts them: 14x14, one for each proposal."""
    crops = torch.rand(3, backbone.out_channels["c4"], 14, 14)
    assert backbone.tail(crops).shape[:2] == (3, backbone.out_channels["c5"])


def test_every_parameter_gets_a_gradient(backbone: Backbone) -> None:
    backbone.train()
    torch.manual_seed(0)
    features = backbone(image_for(backbone))
    sum((x * torch.rand_like(x)).sum() for x in features.values()).backward()
    without = [
        name
        for name, parameter in backbone.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    backbone.zero_grad()
    backbone.eval()
    assert without == []


@torch.no_grad()
def test_channels_last_and_bfloat16_compute_the_same(backbone: Backbone) -> None:
    expected = backbone(image_for(backbone))
    last = image_for(backbone).contiguous(memory_format=torch.channels_last)
    found = backbone(last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = backbone(last)
    exact, rounded = (1e-3, 1.0) if backbone.name in ROUGH else (1e-4, 0.05)
    for key, feature in expected.items():
        torch.testing.assert_close(found[key], feature, rtol=1e-3, atol=exact * feature.std())
        assert (rough[key].float() - feature).std() < rounded * feature.std()


def test_settings_are_arguments_that_rebuild_the_network(backbone: Backbone) -> None:
    with torch.device("meta"):
        again = type(backbone)(**backbone.settings)
    shapes = {name: value.shape for name, value in again.state_dict().items()}
    assert shapes == {name: value.shape for name, value in backbone.state_dict().items()}
