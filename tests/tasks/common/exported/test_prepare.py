"""Networks are brought near the grids of int8 without changing what they compute."""

import pytest
import torch
from torch import Tensor, nn

from tasks.common.exported.int8.prepare import channel_means, correct_biases, on_grid, revive

IMAGES = torch.rand(16, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def small_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.ReLU6(),
        nn.Conv2d(6, 6, 3, groups=6),
        nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 4),
    ).eval()


def steps_of_bias(layer: nn.Conv2d | nn.Linear, given: Tensor) -> Tensor:
    """What int32 has to hold of each channel's bias."""
    step = (given.max().clamp(min=0) - given.min().clamp(max=0)) / 255
    return (layer.bias / (step * layer.weight.abs().flatten(1).amax(1) / 127)).abs()


@torch.no_grad()
def test_a_channel_without_weights_gets_one_that_changes_nothing() -> None:
    network = small_network()
    first = network[0]
    first.weight[2], first.bias[2] = 0, 2.9
    others = first.weight[3:].clone()
    before = network(IMAGES)
    assert revive(network, network, IMAGES) == 1
    assert (first.weight[2] != 0).sum() == 1 and torch.equal(first.weight[3:], others)
    assert steps_of_bias(first, IMAGES).max() <= 2**30
    assert steps_of_bias(first, IMAGES)[2] > 2**29  # no larger than it has to be
    torch.testing.assert_close(network(IMAGES), before, atol=1e-4, rtol=0)
    assert revive(network, network, IMAGES) == 0


@torch.no_grad()
def test_a_network_without_dead_channels_stays_as_it_is() -> None:
    network = small_network()
    weights = [parameter.clone() for parameter in network.parameters()]
    assert revive(network, network, IMAGES) == 0
    assert all(map(torch.equal, weights, network.parameters()))


@torch.no_grad()
def test_weights_lie_on_grids_and_means_stay() -> None:
    network, rounded = small_network(), small_network()
    for layer in (rounded[0], rounded[2], rounded[6]):
        layer.weight.copy_(on_grid(layer.weight))
    corrected = small_network()
    correct_biases(corrected, corrected, IMAGES)
    for place in (0, 2, 6):
        largest = corrected[place].weight.abs().flatten(1).amax(1, keepdim=True)
        steps = corrected[place].weight.flatten(1) / largest * 127
        torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
        torch.testing.assert_close(corrected[place].weight, rounded[place].weight)
        expected, plain, found = (
            channel_means(each[: place + 1](IMAGES)) for each in (network, rounded, corrected)
        )
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
        assert (plain - expected).abs().max() > 5e-5


@torch.no_grad()
def test_a_layer_that_runs_on_several_maps_is_corrected_by_the_first() -> None:
    torch.manual_seed(0)
    layer, given = nn.Conv2d(3, 2, 1), IMAGES
    expected = channel_means(layer(given))
    correct_biases(layer, lambda images: (layer(images), layer(images[..., ::2, ::2] + 1)), given)
    torch.testing.assert_close(channel_means(layer(given)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(4, 3, 1, 1), (4, 7)])
def test_every_channel_has_its_own_grid(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    weight *= torch.tensor([1.0, 1e-3, 100.0, 0.0]).view(-1, *[1] * (len(shape) - 1))
    found = on_grid(weight)
    step = weight.abs().flatten(1).amax(1) / 127
    assert ((found - weight).abs().flatten(1).amax(1) <= step / 2 + 1e-9).all()
    assert not found[3].any()
