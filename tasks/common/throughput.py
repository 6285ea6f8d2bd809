"""Images per second, measured while training."""

import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

WARMUP_STEPS = 3  # workers start and kernels are chosen


class Throughput(Callback):
    """Counts the images that all processes train on, and the time between steps.

    Validation and checkpoints don't count.
    """

    def __init__(self) -> None:
        self.images = 0
        self.seconds = 0.0
        self._steps = 0
        self._since: float | None = None

    @property
    def images_per_second(self) -> float:
        """Over all steps so far, but the first few."""
        return self.images / self.seconds if self.seconds else 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._since = None

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._since = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.perf_counter()
        self._steps += 1
        if self._since is not None and self._steps > WARMUP_STEPS:
            self.images += len(batch["image"]) * trainer.world_size
            self.seconds += now - self._since
            pl_module.log("train/images_per_second", self.images_per_second, prog_bar=True)
        self._since = now
