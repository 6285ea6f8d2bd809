"""Folds batch norm into the convolutions, and gives it back its statistics."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval


def fold(module: nn.Module) -> None:
    """Merges each batch norm into the convolution before it, for a network that only predicts.

    It computes in eval mode what it did, in two thirds of the layers. Its state dict is another.

    Args:
        module: In eval mode. Changed in place where a convolution and a batch norm follow each
            other in an ``nn.Sequential``, as in every ``ConvNormAct``.
    """
    for block in list(module.modules()):
        if isinstance(block, nn.Sequential):
            for (conv_name, conv), (norm_name, norm) in pairwise(block.named_children()):
                # one of a derived type does more, such as timm's with an activation
                if isinstance(conv, nn.Conv2d) and type(norm) is nn.BatchNorm2d:
                    setattr(block, conv_name, fuse_conv_bn_eval(conv, norm))
                    setattr(block, norm_name, nn.Identity())


class _Moments:
    """Running sums of a layer's input, per channel."""

    def __init__(self, num_channels: int) -> None:
        self.count = 0
        self.sum = torch.zeros(num_channels, dtype=torch.float64)
        self.sum_of_squares = torch.zeros(num_channels, dtype=torch.float64)

    def add(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        # (B, C, H, W) -> (C, B * H * W); on the CPU, where every device has float64
        values = inputs[0].detach().double().cpu().transpose(0, 1).flatten(1)
        self.count += values.shape[1]
        self.sum += values.sum(1)
        self.sum_of_squares += values.square().sum(1)


@torch.no_grad()
def unfold(
    network: Callable[[Tensor], object],
    batches: Iterable[Tensor],
    *,
    module: nn.Module,
    norms: Sequence[nn.BatchNorm2d],
) -> None:
    """Sets batch norms to the statistics of their inputs without changing the function.

    Published weights come with batch norm folded into the convolutions. Standing in as an
    identity, it would throw the learned scales away at the first step in training mode. Here its
    mean and variance become those of its convolution's output, its scale the deviation and its
    shift ``shift + mean``: eval mode computes what it did, and training mode nearly the same.

    Since eval mode does not change, one pass gives the statistics of all layers.

    Args:
        network: Called with each batch.
        batches: As in training; about a hundred images suffice.
        module: What ``network`` runs; evaluated in eval mode, and left in the mode it was in.
        norms: The layers of it to set.
    """
    moments = [_Moments(norm.num_features) for norm in norms]
    hooks = [
        norm.register_forward_pre_hook(moment.add)
        for norm, moment in zip(norms, moments, strict=True)
    ]
    was_training = module.training
    module.eval()
    for batch in batches:
        network(batch)
    module.train(was_training)
    for hook in hooks:
        hook.remove()
    for norm, moment in zip(norms, moments, strict=True):
        _set_statistics(norm, moment)


def _set_statistics(norm: nn.BatchNorm2d, moments: _Moments) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    mean = moments.sum / moments.count
    variance = (moments.sum_of_squares / moments.count - mean.square()).clamp(min=0)
    # the affine function this layer computes in eval mode, which must stay
    old_deviation = (norm.running_var.double().cpu() + norm.eps).sqrt()
    slope = norm.weight.double().cpu() / old_deviation
    shift = norm.bias.double().cpu() - slope * norm.running_mean.double().cpu()
    norm.weight.copy_(slope * (variance + norm.eps).sqrt())
    norm.bias.copy_(shift + slope * mean)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
