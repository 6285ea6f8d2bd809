"""What a run says while it goes."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, RichProgressBar
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 30  # between two lines about one long task
WARMUP_STEPS = 3  # workers start and kernels are chosen

T = TypeVar("T")

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
            pl_module.log("train/images_per_second", self.images_per_second, prog_bar=True)
        self._since = now


def progress() -> Callback:
    """A bar for a terminal, a line an epoch for a log file."""
    return ProgressBar() if sys.stdout.isatty() else ProgressLines()


class ProgressBar(RichProgressBar):
    """Lightning's bar without the logger's version number."""

    def __init__(self) -> None:
        super().__init__(leave=False)

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        return {name: value for name, value in metrics.items() if name != "v_num"}


class ProgressLines(Callback):
    """A line at the end of each epoch: step, losses, speed, metric and the time left."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.monotonic(), trainer.global_step

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert self._start is not None
        started, first_step = self._start
        steps = max(trainer.global_step - first_step, 1)
        total = trainer.estimated_stepping_batches
        left = (time.monotonic() - started) / steps * (total - trainer.global_step)
        metrics = trainer.progress_bar_metrics
        shown = "  ".join(f"{name} {value:.4g}" for name, value in sorted(metrics.items()))
        logger.info(
            "epoch %d  step %d of %d  %s  %d min left",
            *(trainer.current_epoch + 1, trainer.global_step, total, shown, round(left / 60)),
        )


def steps_of(
    steps: Sequence[T], what: str, *, size: Callable[[T], int] = lambda _: 1
) -> Iterator[T]:
    """Goes through steps and shows how far it is: a bar for a terminal, lines for a log file.

    Args:
        steps: In their order.
        what: Is counted, such as ``photos read``.
        size: How many of them a step is.
    """
    total = sum(map(size, steps))
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = sys.stdout.isatty()
    with Progress(*columns, disable=not shown, transient=True) as bar:
        task = bar.add_task(what, total=total)
        done, started, spoke = 0, time.monotonic(), time.monotonic()
        for step in steps:
            yield step
            done += size(step)
            bar.update(task, completed=done)
            now = time.monotonic()
            if not shown and (done == total or now - spoke > LINE_SECONDS):
                spoke = now
                logger.info("%d of %d %s, %.3g a second", done, total, what, done / (now - started))
