"""Inception V2's table, and how its blocks join their branches."""

import pytest
import torch
from torch import nn

from backbone.inception import AVERAGE, BLOCKS, CHANNELS, MAXIMUM, InceptionV2, Mixed, MixedBlock


@pytest.fixture(scope="module")
def network() -> InceptionV2:
    torch.manual_seed(0)
    return InceptionV2().eval()


def test_ssd_sees_the_maps_of_the_published_network(network: InceptionV2) -> None:
    with torch.no_grad():
        features = network(torch.zeros(1, 3, 300, 300))
    assert [feature.shape[-1] for feature in features.values()] == [75, 38, 19, 10]


def test_blocks_have_the_published_channels(network: InceptionV2) -> None:
    channels = [block.out_channels for key in BLOCKS for block in getattr(network, key)]
    assert channels == [256, 320, *[576] * 5, 1024, 1024, 1024]
    lasts = [channels[number] for number in (1, 6, 9)]
    assert lasts == [CHANNELS[key] for key in ("c3", "c4", "c5")]


def test_layers_are_counted(network: InceptionV2) -> None:
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    # two in the stem's first layer, two after it, seven in each block but five in the strided
    assert len(convolutions) == 4 + 8 * 7 + 2 * 5
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == len(convolutions) - 1
    assert {norm.eps for norm in norms} == {1e-3}


@pytest.mark.parametrize("pool", [AVERAGE, MAXIMUM])
@torch.no_grad()
def test_pooling_leaves_padding_out(pool: object) -> None:
    """A constant map stays one: zeros from the padding would show at the border."""
    block = MixedBlock(4, Mixed([(2,)], None, pool=pool)).eval()
    joined = block(torch.full((1, 4, 5, 5), -3.0))
    assert joined.shape == (1, 6, 5, 5) and block.out_channels == 6
    torch.testing.assert_close(joined[:, 2:], torch.full((1, 4, 5, 5), -3.0))


@torch.no_grad()
def test_branches_are_joined_in_order() -> None:
    torch.manual_seed(0)
    block = MixedBlock(8, Mixed([(3,), (2, 4), (2, 5, 6)], 7)).eval()
    x = torch.randn(1, 8, 6, 6)
    joined = block(x)
    assert [len(branch) for branch in block.branches] == [1, 2, 3, 2]
    parts = joined.split([3, 4, 6, 7], dim=1)
    assert all(
        torch.equal(part, branch(x)) for part, branch in zip(parts, block.branches, strict=True)
    )


@torch.no_grad()
def test_all_branches_of_a_strided_block_halve_the_map() -> None:
    block = MixedBlock(8, Mixed([(3, 4), (3, 4, 4)], None, stride=2, pool=MAXIMUM)).eval()
    assert block(torch.randn(1, 8, 9, 14)).shape == (1, 16, 5, 7)


def test_weights_start_with_tf_slims_deviations(network: InceptionV2) -> None:
    cut = 0.88  # what is left of a normal distribution's deviation, cut at two of them
    block = network.c5[1]
    for convolution, std in (
        (network.stem[0], 1.0),
        (block.branches[1][0].conv, 0.09),
        (block.branches[3][1].conv, 0.1),
        (block.branches[1][1].conv, (1.3 * 2 / (192 * 9)) ** 0.5),
    ):
        assert convolution.weight.std().item() == pytest.approx(cut * std, rel=0.05)
