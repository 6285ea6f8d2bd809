"""Batch norm's statistics, averaged over the steps that the weights are averaged over."""

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from backbone.errors import check_number
from backbone.layers import BATCH_NORM_MOMENTUM
from tasks.common.training.ema import WeightEMA, growing_share


def averages(*, decay: float | None, momentum: float | None) -> list[Callback]:
    """What averages weights and batch norm's statistics during training.

    Args:
        decay: Of the weights; None for no average of them.
        momentum: Of the statistics, as a published recipe has it; None to average them as well as
            the weights.
    """
    weights = [WeightEMA(decay=decay)] if decay else []
    if weights or momentum is not None:
        return [BatchStatistics(momentum=momentum), *weights]
    return [AveragedStatistics()]


class BatchStatistics(Callback):
    """Trains with batch norm's statistics of each batch alone, which ``WeightEMA`` averages.

    It averages them as it does the weights: over few steps at first, and over more as training goes
    on. Running statistics of a fixed momentum begin at a mean of 0 and a variance of 1, which they
    still hold a thousandth of after two hundred steps. A narrow layer's outputs may vary by less
    than that, and 27 such layers follow each other: what a short training has learnt would not show
    in evaluation.

    Training does not depend on them. Layers that are frozen keep theirs.

    Args:
        momentum: Of running statistics as a published recipe has it; None for those of each batch.
    """

    def __init__(self, *, momentum: float | None = None) -> None:
        if momentum is not None:
            check_number("batch_norm_momentum", momentum, above=0, at_most=1)
        self.momentum = 1.0 if momentum is None else momentum
        self.before: dict[nn.BatchNorm2d, float | None] = {}  # each layer's own momentum

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        norms = [layer for layer in pl_module.modules() if isinstance(layer, nn.BatchNorm2d)]
        self.before = {norm: norm.momentum for norm in norms}
        for norm in norms:
            norm.momentum = self.momentum

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for norm, momentum in self.before.items():
            norm.momentum = momentum


class AveragedStatistics(BatchStatistics):
    """Averages them by itself, for a training without an average of the weights.

    A momentum that falls would do the same, but a compiled network would be compiled anew for each.
    """

    def __init__(self) -> None:
        super().__init__()
        self._averages: list[Tensor] = []

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._averages = [statistic.clone() for statistic in self._statistics()]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step - 1  # the one that the batch belongs to
        statistics = self._statistics()
        if step <= 0 or not statistics:  # VGG has no batch norm
            return
        share = max(growing_share(step), BATCH_NORM_MOMENTUM)
        change = torch._foreach_sub(statistics, self._averages)
        torch._foreach_mul_(change, share)
        torch._foreach_add_(self._averages, change)
        torch._foreach_copy_(statistics, self._averages)

    def _statistics(self) -> list[Tensor]:
        return [
            statistic
            for norm in self.before
            for statistic in (norm.running_mean, norm.running_var)
            if statistic is not None
        ]
