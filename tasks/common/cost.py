"""What a network costs: multiply-adds and parameters, counted as the paper counts them."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tasks.common.task import Task


class Cost(NamedTuple):
    """``mult_adds`` of one image's forward pass, and the number of ``params``."""

    mult_adds: int
    params: int


@torch.no_grad()
def count_cost(module: nn.Module, network: Callable[[Tensor], object], *, image_size: int) -> Cost:
    """Runs a network once on a blank image and counts.

    Convolutions and linear layers count, one multiply and add as one; batch norm folds into them.
    Its scale and shift count as parameters, its statistics do not.

    Args:
        module: Holds the layers and parameters.
        network: Runs them on a normalised image, ``(1, 3, H, W)``.
        image_size: Side of the image in pixels.
    """
    total = 0

    def add(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        weight = layer.weight
        per_output = weight.numel() // weight.shape[0]  # values that go into one
        total += per_output * output.numel() // len(output)

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    parameter = next(module.parameters())
    was_training = module.training
    module.eval()
    network(torch.zeros(1, 3, image_size, image_size, device=parameter.device))
    module.train(was_training)
    for hook in hooks:
        hook.remove()
    return Cost(total, sum(p.numel() for p in module.parameters()))


def task_cost(task: Task) -> Cost:
    """The cost of a task's backbone and head, without decoding."""
    return count_cost(
        task,
        lambda image: task.head.outputs(task.backbone(image)),
        image_size=task.image_size,
    )
