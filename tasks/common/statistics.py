"""Batch norm's statistics, measured for the weights that are validated and kept."""

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from backbone.batch_norm import measure
from backbone.errors import check_number
from tasks.common.ema import WeightEMA
from tasks.common.task import Task


class MeasuredStatistics(Callback):
    """Measures batch norm's statistics anew before each validation and for each checkpoint.

    They follow from the weights, the data and the seed alone: neither an interruption nor the
    number of processes changes them. Training does not depend on them, and layers that are frozen
    keep theirs. A checkpoint of a run that is told to stop in mid-epoch has running ones, since it
    must be written at once.

    Args:
        num_photos: Training photos to measure on, the same ones every time.
        average: Of the weights, if that is what gets validated and kept.
        every_steps: Optimiser steps between two checkpoints within an epoch; None for none.
    """

    def __init__(
        self, *, num_photos: int, average: WeightEMA | None, every_steps: int | None
    ) -> None:
        check_number("batch_norm_photos", num_photos, at_least=2, whole=True)
        self.num_photos = num_photos
        self.average = average
        self.every_steps = every_steps
        self._batches: list[dict[str, Any]] | None = None
        self._measured_at = -1  # a step

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # before the checkpoint is written that this validation can be repeated from
        if trainer.state.fn == "fit":
            self._measure(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        if self.every_steps and step % self.every_steps == 0 and step != self._measured_at:
            self._measure(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if _is_last_epoch(trainer) and self._measured_at != trainer.global_step:
            self._measure(trainer, pl_module)

    def _measure(self, trainer: Trainer, pl_module: LightningModule) -> None:
        network = self.average.network if self.average else pl_module
        assert isinstance(network, Task)
        was_training = network.training
        norms = trained_norms(network)
        if norms and self._batches is None:
            datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
            self._batches = datamodule.fixed_batches(self.num_photos)

        def rehearse(batch: dict[str, Any]) -> None:
            batch = trainer.strategy.batch_to_device(batch)
            with trainer.precision_plugin.forward_context():
                network.head.rehearse(network(batch["image"]), batch)

        with torch.random.fork_rng():  # some heads draw what they learn from
            torch.manual_seed(0)
            network.eval()
            measure(rehearse, self._batches or [], norms=norms)
        network.train(was_training)
        self._measured_at = trainer.global_step


def trained_norms(task: Task) -> list[nn.BatchNorm2d]:
    """The batch norms that training has not frozen; leaves the task in training mode."""
    return [
        layer
        for layer in task.train().modules()
        if isinstance(layer, nn.BatchNorm2d) and layer.training
    ]


def _is_last_epoch(trainer: Trainer) -> bool:
    """Whether training ends with the epoch that has just ended."""
    # not fit_loop.done, which changes the counters that a checkpoint saves
    epochs: int = trainer.fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined]
    return (
        trainer.should_stop
        or trainer.max_epochs == epochs
        or trainer.max_steps == trainer.global_step
    )
