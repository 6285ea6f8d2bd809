"""Which parameters are held small."""

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def parameter_groups(module: nn.Module) -> list[dict[str, Any]]:
    """Two groups for an optimiser: with its weight decay, and without.

    Biases, batch norm and depthwise filters go without: MobileNet puts little or no decay on the
    latter, since they have so few weights (section 3.2).
    """
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for layer in module.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            depthwise = isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1
            exempt = name == "bias" or depthwise or isinstance(layer, _BatchNorm)
            (free if exempt else decayed).append(parameter)
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": free, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
