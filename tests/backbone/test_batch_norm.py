"""Folding batch norm and un-folding it: eval mode stays, training mode comes near it."""

import copy
from collections.abc import Sequence

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from backbone.batch_norm import fold, unfold
from backbone.mobilenet import MobileNet
from backbone.tflite import Convolution, folded_layer
from heads.detection.losses import SigmoidCrossEntropy
from heads.ssd import SSDHead


def folded_network() -> MobileNet:
    """Batch norm that does nothing, and scales and shifts in the convolutions."""
    torch.manual_seed(0)
    network = MobileNet(width=0.25)
    for name, layer in list(network.named_modules()):
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            convolution = Convolution(
                weight=torch.randn_like(layer.weight) * (2 / fan_in) ** 0.5,
                bias=torch.randn(layer.out_channels) / 3 + 0.2,
                depthwise=layer.groups > 1,
                source=0,
                target=0,
            )
            tensors = folded_layer(name.removesuffix(".conv"), convolution)
            network.load_state_dict(tensors, strict=False)
    return network.eval()


def batches() -> list[Tensor]:
    """Smooth images: noise would look the same everywhere."""
    torch.manual_seed(1)
    small = torch.randn(3, 8, 3, 8, 8)
    return [nn.functional.interpolate(batch, 64, mode="bilinear") for batch in small]


def norms_of(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]


def unfolded(
    network: MobileNet, images: Sequence[Tensor], norms: Sequence[nn.BatchNorm2d] | None = None
) -> MobileNet:
    unfold(network, images, module=network, norms=norms or norms_of(network))
    return network


def training_output(network: MobileNet, images: Tensor) -> Tensor:
    return copy.deepcopy(network).train()(images)["c5"].detach()


def test_eval_mode_stays() -> None:
    network, images = folded_network(), batches()
    before = network(images[0])
    after = unfolded(network, images)(images[0])
    assert before["c5"].std() > 0.1
    for key in before:
        torch.testing.assert_close(after[key], before[key], atol=1e-5, rtol=1e-4)


def test_training_mode_computes_nearly_the_same() -> None:
    network, images = folded_network(), batches()
    expected = network(images[0])["c5"].detach()
    spread = expected.std()
    folded_error = (training_output(network, images[0]) - expected).std() / spread
    error = (training_output(unfolded(network, images), images[0]) - expected).std() / spread
    assert folded_error > 0.5  # batch statistics throw the imported function away
    assert error < folded_error / 3


def test_training_mode_is_equal_where_the_batch_is_all_there_is() -> None:
    network, images = folded_network(), batches()[:1]
    expected = network(images[0])["c5"].detach()
    found = training_output(unfolded(network, images), images[0])
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_statistics_are_those_of_all_batches_together() -> None:
    network, images = folded_network(), batches()
    images[1] = images[1][:3]  # batches of unequal size
    inputs = network.stem.conv(torch.cat(images))
    norm = unfolded(network, images).stem.norm
    torch.testing.assert_close(norm.running_mean, inputs.mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, inputs.var((0, 2, 3), unbiased=False))


def test_unfolding_again_changes_nothing() -> None:
    network = unfolded(folded_network(), batches())
    state = copy.deepcopy(network.state_dict())
    for name, value in unfolded(network, batches()).state_dict().items():
        torch.testing.assert_close(value, state[name], atol=1e-5, rtol=1e-4)


def test_channels_that_are_always_zero_stay_finite() -> None:
    network, images = folded_network(), batches()
    network.stem.conv.weight.detach()[2] = 0
    network.blocks[3].pointwise.conv.weight.detach()[:5] = 0
    before = network(images[0])["c5"]
    after = unfolded(network, images)
    torch.testing.assert_close(after(images[0])["c5"], before, atol=1e-5, rtol=1e-4)
    after.train()(images[0])["c5"].sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())


def test_only_the_named_layers_change() -> None:
    network, images = folded_network(), batches()
    before = copy.deepcopy(network.state_dict())
    unfolded(network, images, norms_of(network.stem))
    changed = {
        name for name, value in network.state_dict().items() if not torch.equal(value, before[name])
    }
    names = ("weight", "bias", "running_mean", "running_var")
    assert changed == {f"stem.norm.{name}" for name in names}


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_left_as_it_was_and_hooks_are_gone(training: bool) -> None:
    network, images = folded_network().train(training), batches()
    unfolded(network, images)
    assert network.training is training
    assert not any(layer._forward_pre_hooks for layer in norms_of(network))
    assert all(layer.num_batches_tracked == 0 for layer in norms_of(network))


def test_folding_is_the_way_back() -> None:
    network, images = unfolded(folded_network(), batches()), batches()[0]
    before = network(images)
    fold(network)
    assert not norms_of(network)
    for key, after in network(images).items():
        torch.testing.assert_close(after, before[key], atol=1e-5, rtol=1e-4)


def test_a_head_is_folded_too() -> None:
    network, images = folded_network(), batches()
    head = SSDHead(
        in_channels=network.out_channels, num_classes=3, classification=SigmoidCrossEntropy()
    ).eval()
    unfold(lambda image: head.outputs(network(image)), images, module=head, norms=norms_of(head))
    before = head.outputs(network(images[0]))
    fold(head)
    assert not norms_of(head)
    for after, expected in zip(head.outputs(network(images[0])), before, strict=True):
        torch.testing.assert_close(after, expected, atol=1e-5, rtol=1e-4)


def test_a_norm_that_does_more_is_left_alone() -> None:
    block = nn.Sequential(nn.Conv2d(3, 4, 1), BatchNormAct2d(4)).eval()
    image = torch.randn(2, 3, 5, 5)
    before = block(image)
    fold(block)
    torch.testing.assert_close(block(image), before)
    assert before.min() == 0  # its activation
