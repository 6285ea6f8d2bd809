"""A running average of the weights, which is what gets validated and kept."""

from collections.abc import Callable

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from backbone.errors import check_number


def growing_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An update for torch's ``AveragedModel`` whose memory grows from nothing to ``decay``.

    A fixed decay of 0.9998 would still hold the first random weights after thousands of steps.
    After ``n`` steps it is at most ``(1 + n) / (10 + n)``, as in TensorFlow's moving averages.

    Args:
        decay: Share of the old average kept at each step in the long run.
    """
    check_number("ema_decay", decay, at_least=0, at_most=1)

    def average(old: Tensor, new: Tensor, num_averaged: Tensor | int) -> Tensor:
        if not new.is_floating_point():
            return new  # batch norm's counters
        number = int(num_averaged)
        return old.lerp(new, 1 - min(decay, (1 + number) / (10 + number)))

    return average


class WeightEMA(WeightAveraging):
    """Exponential moving average of the weights during training.

    Args:
        decay: See ``growing_average``.
    """

    def __init__(self, *, decay: float) -> None:
        super().__init__(avg_fn=growing_average(decay))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Lightning leaves out on_train_end when it resumes a run that has nothing left to train.
        self._copy_average_to_current(pl_module)
