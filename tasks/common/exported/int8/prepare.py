"""Makes a network ready for int8, in whatever format: so that little is lost by it.

Runtimes put the weights of each output channel on a grid of 255 steps, and its bias on one whose
step is that of the weights times that of the layer's input. Two things go wrong by that in
MobileNets, whose depthwise layers have few weights a channel. Rounding shifts the mean of what a
channel gives, which the bias can take back. And a channel without weights, of which the published
networks have some, has a grid so fine that its bias has no place on it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tasks.common.training.rounding import STEPS_OF_WEIGHTS, on_grid, step_over

NUM_TO_CORRECT = 64  # photos; their means are near enough those of all
MOST_STEPS_OF_BIAS = 2**30  # half of what its 32 bits hold
Layer = nn.Conv2d | nn.Linear


def prepare(module: nn.Module, network: Callable[[Tensor], Any], images: Tensor) -> int:
    """Gives dead channels a weight, puts weights on their grid and corrects the biases.

    Args:
        module: With batch norm folded, in eval mode; changed in place.
        network: Runs it.
        images: Photos as the network takes them; some dozens are enough.

    Returns:
        How many channels were dead.
    """
    number = revive(module, network, images)
    correct_biases(module, network, images)
    return number


@torch.no_grad()
def revive(module: nn.Module, network: Callable[[Tensor], Any], images: Tensor) -> int:
    """Gives channels whose bias has no place on their grid one weight that is just enough.

    It is so small, some 3e-5, that it changes nothing.

    Args:
        module: Whose layers are looked at.
        network: Runs it.
        images: To measure what goes into each layer.

    Returns:
        How many channels there were.
    """
    steps: dict[Layer, float] = {}

    def measure(layer: Layer, given: Tensor, _: Tensor) -> None:
        steps[layer] = max(steps.get(layer, 0.0), float(step_over(*given.aminmax())))

    with listening(module, measure):
        network(images)
    revived = 0
    for layer, step in steps.items():
        if layer.bias is None or not step:
            continue
        weights = layer.weight.flatten(1)
        # a hundredth more, since correcting moves the bias a little
        least = 1.01 * STEPS_OF_WEIGHTS * layer.bias.abs() / (step * MOST_STEPS_OF_BIAS)
        dead = weights.abs().amax(1) < least
        weights[dead, 0] = least[dead]  # the same memory as the layer's
        revived += int(dead.sum())
    return revived


@torch.no_grad()
def correct_biases(module: nn.Module, network: Callable[[Tensor], Any], images: Tensor) -> None:
    """Puts weights on their grids, and takes back what that shifts the mean of each channel by.

    Layer by layer in one pass, each seeing what those before it have become. Of a layer that runs
    several times in a pass, as on the maps of a pyramid, the first counts. The largest weight of
    each channel stays, so that every runtime finds the same grid again.

    Args:
        module: Whose layers are changed.
        network: Runs it.
        images: To measure the means on.
    """
    means: dict[Layer, Tensor] = {}

    def note(layer: Layer, _: Tensor, output: Tensor) -> None:
        means.setdefault(layer, channel_means(output))

    with listening(module, note):
        network(images)
    for layer in means:
        layer.weight.copy_(on_grid(layer.weight))

    def correct(layer: Layer, _: Tensor, output: Tensor) -> Tensor | None:
        if layer.bias is None or layer not in means:
            return None
        shift = means.pop(layer) - channel_means(output)
        layer.bias.add_(shift)
        return output + (shift[:, None, None] if output.dim() == 4 else shift)

    with listening(module, correct):
        network(images)


def channel_means(output: Tensor) -> Tensor:
    """Of what a layer gives, ``(B, C, H, W)`` or ``(B, C)``, shape ``(C,)``."""
    return output.mean((0, 2, 3)) if output.dim() == 4 else output.mean(0)


@contextmanager
def listening(
    module: nn.Module, hear: Callable[[Layer, Tensor, Tensor], Tensor | None]
) -> Iterator[None]:
    """Tells of each convolution and linear layer that runs its input and its output."""
    layers = [layer for layer in module.modules() if isinstance(layer, Layer)]
    hooks = [
        layer.register_forward_hook(lambda layer, given, output: hear(layer, given[0], output))
        for layer in layers
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
