"""Checkpoints that survive a crash, and runs that survive being stopped."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from backbone.weights import read_checkpoint, replacing


class TerminatedError(BaseException):
    """The run was asked to stop by SIGTERM, and has saved its state."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the old file and swaps at the end; reads plain data only."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read_checkpoint(Path(path))


class Checkpoints(Checkpoint):
    """Keeps ``last.ckpt``, to resume from, and ``best.ckpt``, by a validation metric.

    The last one is written every ``every_steps``, before each validation, at each epoch's end and
    on SIGTERM, which then raises ``TerminatedError`` wherever the run is.

    Args:
        folder: Where the two files go.
        monitor: Metric that is to be high.
        every_steps: Optimiser steps between two writes within an epoch; None for none.
    """

    def __init__(self, *, folder: Path, monitor: str, every_steps: int | None) -> None:
        self.last = folder / "last.ckpt"
        self.best = folder / "best.ckpt"
        self.monitor = monitor
        self.every_steps = every_steps
        self.best_score: float | None = None
        self.validation_pending = False
        self._stop_requested = False

    def state_dict(self) -> dict[str, Any]:
        return {"best_score": self.best_score, "validation_pending": self.validation_pending}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_score = state_dict["best_score"]
        self.validation_pending = state_dict["validation_pending"]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        signal.signal(signal.SIGTERM, self._request_stop)

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stop_requested = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.validation_pending:  # the run was stopped while validating
            trainer.validating = True
            trainer.fit_loop.epoch_loop.val_loop.run()
            trainer.training = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        stop = self._stop_everywhere(trainer)
        at_end = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        stepped = not trainer.fit_loop._should_accumulate()
        due = self.every_steps and stepped and trainer.global_step % self.every_steps == 0
        if stop or (due and not at_end):
            trainer.save_checkpoint(self.last)
        if stop:
            raise TerminatedError

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Now, since an average of the weights takes their place during validation.
        if trainer.training or (trainer.state.fn == "fit" and not trainer.sanity_checking):
            self.validation_pending = True
            trainer.save_checkpoint(self.last)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        if self._stop_everywhere(trainer):
            raise TerminatedError

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        self.validation_pending = False
        score = trainer.callback_metrics.get(self.monitor)
        if score is not None and (self.best_score is None or score > self.best_score):
            self.best_score = float(score)
            trainer.save_checkpoint(self.best)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.save_checkpoint(self.last)

    def _stop_everywhere(self, trainer: Trainer) -> bool:
        """Whether any process was asked to stop; all must agree, or the others would hang."""
        if trainer.world_size == 1:
            return self._stop_requested
        return trainer.strategy.reduce_boolean_decision(self._stop_requested, all=False)
