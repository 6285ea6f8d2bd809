"""The one Lightning module behind every application."""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from heads.head import Batch
from tasks.common.data.loader import Loader
from tasks.common.data.module import DataModule
from tasks.common.data.sampling import gathered, share_buffers
from tasks.common.training.decay import parameter_groups
from tasks.common.training.diverged import DivergedError
from tasks.common.training.task import Task

OWN_NAME = "task."  # before the names of weights, in here alone


class LightningTask(LightningModule):
    """Trains and scores a task on its data: steps, logging, optimiser, checkpoints.

    Weights have the task's own names in checkpoints.

    Args:
        task: To train or to score.
        data: Its photos.
    """

    def __init__(self, task: Task, data: DataModule) -> None:
        super().__init__()
        self.task = task
        self.data = data
        self.register_state_dict_post_hook(_take_off_own_name)
        self.register_load_state_dict_pre_hook(_put_on_own_name)

    def __getstate__(self) -> dict[str, Any]:
        """Of copies, which averages of the weights are: they need no data."""
        return {**super().__getstate__(), "data": None}

    def prepare_data(self) -> None:
        self.data.prepare_data()

    def setup(self, stage: str) -> None:
        self.data.setup(stage)
        self.task.prepare(stage, self.data)

    def train_dataloader(self) -> Loader:
        return self.data.train_dataloader()

    def val_dataloader(self) -> Loader:
        return self.data.val_dataloader()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        losses = self.task.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        self.check_finite(total, losses, batch)
        size = len(batch["image"])
        self.log_dict({f"train/{name}": loss for name, loss in losses.items()}, batch_size=size)
        self.log("train/loss", total, prog_bar=True, batch_size=size)
        self.log("train/learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"])
        return total

    def check_finite(self, total: Tensor, losses: dict[str, Tensor], batch: Batch) -> None:
        """Ends the run in all processes if the loss of any is not a number."""
        finite = bool(torch.isfinite(total))
        if self.trainer.world_size > 1:
            finite = self.trainer.strategy.reduce_boolean_decision(finite)
        if not finite:
            indices = [] if torch.isfinite(total) else batch["id"].tolist()
            here = [(name, str(file)) for name, file in map(self.data.train_photo, indices)]
            photos = [photo for share in gathered(here) for photo in share]
            values = {name: float(loss.detach()) for name, loss in losses.items()}
            raise DivergedError(photos, values)

    def validation_step(self, batch: Batch, batch_idx: int) -> Any:
        return self.task.score(batch)

    def on_validation_epoch_start(self) -> None:
        share_buffers(self)

    def on_validation_epoch_end(self) -> None:
        values = {f"val/{name}": value for name, value in self.task.score_all().items()}
        main = {name: value for name, value in values.items() if name == self.task.monitor}
        rest = {name: value for name, value in values.items() if name != self.task.monitor}
        # what is reported at the end may be of earlier weights
        in_curve = not self.task.report_exactly
        self.log_dict(main, prog_bar=True, logger=in_curve)
        self.log_dict(rest, logger=in_curve)

    def configure_optimizers(self) -> Any:
        optimizer = self.task.optimizer(parameter_groups(self.task))
        total_steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.task.schedule(optimizer, total_steps=total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.task.config
        checkpoint["description"] = self.task.description()
        checkpoint[type(self.data).__qualname__] = self._next_batch()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.task.go_on_from(checkpoint["description"], checkpoint["state_dict"])
        # before loaders are made; other data begin at their beginning
        self.data.resume_at = checkpoint.get(type(self.data).__qualname__, self.data.resume_at)

    def _next_batch(self) -> dict[str, int]:
        """Where the next batch is, as ``DataModule.resume_at`` has it."""
        trainer = self.trainer
        if not trainer.training and not trainer.validating:
            return self.data.resume_at
        batches = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        epoch = trainer.fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined]
        # at an epoch's end all batches are done, and the next epoch starts at its first
        per_epoch = max(trainer.num_training_batches, 1)  # infinite until there are loaders
        return {"epoch": epoch, "batches": int(batches % per_epoch)}


def lightning_task(module: LightningModule) -> LightningTask:
    """What a callback is called for, which Lightning knows as any module."""
    assert isinstance(module, LightningTask)
    return module


def _take_off_own_name(
    module: torch.nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]
) -> None:
    state._metadata.pop(prefix + OWN_NAME[:-1])  # type: ignore[attr-defined]
    for names in (state, state._metadata):  # type: ignore[attr-defined]
        for name in [name for name in names if name.startswith(prefix + OWN_NAME)]:
            names[prefix + name.removeprefix(prefix + OWN_NAME)] = names.pop(name)


def _put_on_own_name(module: torch.nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        state[prefix + OWN_NAME + name.removeprefix(prefix)] = state.pop(name)
