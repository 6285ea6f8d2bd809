"""What a run says while it goes."""

import logging
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, RichProgressBar, Timer
from rich.progress import (
    ProgressColumn,
    Task,
)
from rich.text import Text

WARMUP_STEPS = 3  # workers start and kernels are chosen
LEARNING_RATE, IMAGES_PER_SECOND = "train/learning_rate", "train/images_per_second"
SHOWN = {"train/loss": "loss", IMAGES_PER_SECOND: "images/s"}  # beside the bar
BAR_WIDTH = 20

logger = logging.getLogger(__name__)


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
            pl_module.log(IMAGES_PER_SECOND, self.images_per_second, prog_bar=True)
        self._since = now


def progress() -> Callback:
    """For a terminal a bar and a line an epoch above it, for a log file the lines alone."""
    return ProgressBar() if sys.stdout.isatty() else ProgressLines()


class RunClock:
    """Knows how long the rest of a run will take."""

    def __init__(self) -> None:
        self._start = time.monotonic(), 0

    def start(self, trainer: Trainer) -> None:
        """Called when training begins or goes on."""
        self._start = time.monotonic(), trainer.global_step

    def seconds_left(self, trainer: Trainer) -> float:
        """By the steps so far, validation included; less where ``max_time`` ends it before."""
        started, first_step = self._start
        steps = max(trainer.global_step - first_step, 1)
        total = trainer.estimated_stepping_batches
        left = (time.monotonic() - started) / steps * (total - trainer.global_step)
        limits = [
            callback.time_remaining()
            for callback in trainer.callbacks  # type: ignore[attr-defined]
            if isinstance(callback, Timer)
        ]
        return max(min([left, *(limit for limit in limits if limit is not None)]), 0)


class EpochLines(Callback, ABC):
    """Says a line at the end of each epoch: step, losses, speed, metric and the time left.

    The figures of an epoch without validation are left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = RunClock()
        self._validated = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self.clock.start(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_epoch_start(trainer, pl_module)
        self._validated = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_validation_end(trainer, pl_module)
        self._validated = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_epoch_end(trainer, pl_module)
        figures = {**losses(trainer.callback_metrics), **trainer.progress_bar_metrics}
        shown = "  ".join(
            f"{name} {value:.4g}"
            for name, value in sorted(figures.items())
            if self._validated or not name.startswith("val/")
        )
        self.say(
            f"epoch {trainer.current_epoch + 1}  step {trainer.global_step} of "
            f"{trainer.estimated_stepping_batches}  {shown}  "
            f"{round(self.clock.seconds_left(trainer) / 60)} min left"
        )

    @abstractmethod
    def say(self, line: str) -> None:
        """Where it is read."""


def losses(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The training losses; where there is but one, the total says it."""
    found = {
        name: float(value)
        for name, value in metrics.items()
        if name.startswith("train/") and name not in (LEARNING_RATE, IMAGES_PER_SECOND)
    }
    return found if len(found) > 2 else {}


class ProgressLines(EpochLines):
    """For log files."""

    def say(self, line: str) -> None:
        logger.info("%s", line)


class ProgressBar(EpochLines, RichProgressBar):
    """Lightning's bar of the epoch with the time left of the run, below the lines of the others.

    Epochs count from 1, as in the lines, and all fits into the 80 columns of a terminal.
    """

    def __init__(self) -> None:
        super().__init__()
        self.run_left = TimeLeft()

    def say(self, line: str) -> None:
        if self.progress is not None and self.is_enabled:
            self.progress.console.print(line, soft_wrap=True, markup=False, highlight=False)

    def configure_columns(self, trainer: Trainer) -> list[ProgressColumn]:
        description, bar, batches, *_ = super().configure_columns(trainer)
        bar.bar_width = BAR_WIDTH
        return [description, bar, batches, self.run_left]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        self.run_left.seconds = self.clock.seconds_left(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        super().on_train_end(trainer, pl_module)
        self.run_left.seconds = None

    def _get_train_description(self, current_epoch: int) -> str:
        last = self.trainer.max_epochs
        return f"Epoch {current_epoch + 1}" + (f"/{last}" if last and last > 0 else "")

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        return {SHOWN[name]: f"{value:.4g}" for name, value in metrics.items() if name in SHOWN}


class TimeLeft(ProgressColumn):
    """The time left of the run as a whole, while it is known."""

    seconds: float | None = None

    def render(self, task: Task) -> Text:
        if self.seconds is None:
            return Text()
        return Text(f"{timedelta(seconds=round(self.seconds))} left", style="bold")
