"""A running average of the weights, which is what gets validated and kept."""

from collections.abc import Callable
from typing import TypeVar

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from backbone.errors import check_number

Number = TypeVar("Number", float, Tensor)
Tensors = tuple[Tensor, ...] | list[Tensor]


def growing_share(num_averaged: Number) -> Number:
    """What the newest counts for in an average of so many others, as in TensorFlow's averages."""
    return 9 / (10 + num_averaged)


def growing_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """An update for torch's ``AveragedModel`` whose memory grows from nothing to ``decay``.

    A fixed decay of 0.9998 would still hold the first random weights after thousands of steps.
    After ``n`` steps it is at most ``(1 + n) / (10 + n)``.

    Args:
        decay: Share of the old average kept at each step in the long run.
    """
    check_number("ema_decay", decay, at_least=0, at_most=1)

    def average(old: Tensors, new: Tensors, num_averaged: Tensor | int) -> None:
        if not old[0].is_floating_point():
            torch._foreach_copy_(old, new)  # batch norm's counters
            return
        # of all tensors at once, and without a look at the number: a GPU would have to stop for it
        share = growing_share(torch.as_tensor(num_averaged)).clamp_min(1 - decay)
        change = torch._foreach_sub(new, old)
        torch._foreach_mul_(change, share)
        torch._foreach_add_(old, change)

    return average


class WeightEMA(WeightAveraging):
    """Exponential moving average of the weights, and of batch norm's statistics, during training.

    Args:
        decay: See ``growing_average``.
    """

    def __init__(self, *, decay: float) -> None:
        super().__init__(multi_avg_fn=growing_average(decay))

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # It was made before Lightning moved the weights to their device. Only its counter stays on
        # the CPU, where reading it waits for nothing.
        assert self._average_model is not None
        self._average_model.module.to(pl_module.device)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Lightning leaves out on_train_end when it resumes a run that has nothing left to train.
        self._copy_average_to_current(pl_module)
