"""Checkpoints that survive a crash, and runs that survive being stopped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities import rank_zero_only

from backbone.errors import InputError, check_number
from backbone.files import replacing
from backbone.weights import read_checkpoint
from tasks.common.data.sampling import gathered
from tasks.common.machine.stopping import StoppedError, StopRequest

NOTICE = "Ctrl-C: stopping where the run can go on from. Once more ends it at once"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the old file and swaps at the end; reads plain data only.

    Args:
        resumed: The contents of the checkpoint that a run goes on from, if it has been read.
    """

    def __init__(self, resumed: Mapping[str, Any] | None = None) -> None:
        self.resumed = resumed

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                torch.save(checkpoint, temporary)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as the latter
            raise InputError(
                f"Could not write {path}: {error}. What was saved there before is untouched; go on "
                "from it with resume=last when there is space."
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read_checkpoint(Path(path)) if self.resumed is None else dict(self.resumed)


class Checkpoints(Checkpoint):
    """Keeps ``last.ckpt``, to resume from, and ``best.ckpt``, by a validation metric.

    The last one is written every ``every_steps``, before each validation, at each epoch's end and
    on SIGTERM or Ctrl-C, which then raise ``StoppedError``. All of these are moments from which a
    resumed run does exactly what this one does: between two optimiser steps (gradients that were
    not yet used are not saved), and not between a step and the validation that belongs to it.

    Args:
        folder: Where the two files go.
        monitor: Metric that is to be high.
        every_steps: Optimiser steps between two writes within an epoch; None for none.
    """

    def __init__(self, *, folder: Path, monitor: str, every_steps: int | None) -> None:
        if every_steps is not None:
            check_number("checkpoint_every_steps", every_steps, at_least=1, whole=True)
        self.last = folder / "last.ckpt"
        self.best = folder / "best.ckpt"
        self.monitor = monitor
        self.every_steps = every_steps
        self.best_score: float | None = None
        self.validation_pending = False
        self._max_steps = -1
        self._shared_batches = 0
        self._request = StopRequest()

    def state_dict(self) -> dict[str, Any]:
        return {"best_score": self.best_score, "validation_pending": self.validation_pending}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_score = state_dict["best_score"]
        self.validation_pending = state_dict["validation_pending"]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._request.notice = NOTICE if trainer.is_global_zero else ""
        self._request.listen()
        self._remove_leftovers()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._request.end()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if isinstance(exception, StoppedError) and self.last.exists():
            exception.kept = exception.kept or f"what was saved before is kept. {self._go_on()}"

    @rank_zero_only
    def _remove_leftovers(self) -> None:
        """Deletes what processes that were killed while writing have left."""
        for path in (self.last, self.best):
            for leftover in path.parent.glob(f".{path.name}.*"):
                leftover.unlink(missing_ok=True)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._max_steps = trainer.max_steps
        if self.validation_pending:  # or Lightning would skip it where no step is left
            trainer.fit_loop.epoch_loop.max_steps = -1

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        fit_loop = trainer.fit_loop
        fit_loop.epoch_loop.max_steps = self._max_steps
        if fit_loop.restarted_on_epoch_end:
            # As Lightning does by itself without max_steps; with it, it would end the epoch twice.
            fit_loop.epoch_progress.increment_completed()
            fit_loop.reset_restart_stage()
            fit_loop._restarting = fit_loop.epoch_loop.restarting = False
        if self.validation_pending:  # the run was stopped while validating
            trainer.validating = True
            fit_loop.epoch_loop.val_loop.run()
            trainer.training = True
            # or Lightning would take the epoch for one that has ended
            fit_loop.epoch_loop.val_loop._has_run = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # The number of the next row of the curve, which Lightning restores wrongly if the
        # checkpoint was written before a validation.
        trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        loop = trainer.fit_loop.epoch_loop
        finished = trainer.global_step == trainer.max_steps
        trainer.should_stop |= finished  # which makes Lightning validate, as at an epoch's end
        if loop._should_accumulate() or loop._num_ready_batches_reached():
            return
        fetcher = trainer.fit_loop._data_fetcher
        assert fetcher is not None
        if loop._should_check_val_fx(fetcher):
            return  # on_validation_start saves
        due = self.every_steps and trainer.global_step % self.every_steps == 0
        stop = self._asked_anywhere(trainer)
        if stop or due or finished:
            # the step's row of the curve, which Lightning writes after this
            trainer._logger_connector.update_train_step_metrics()
            trainer.save_checkpoint(self.last, weights_only=False)
        if stop:
            self._stop(stop)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # asking all processes whether to stop takes a batch that all of them have
        self._shared_batches = min(gathered(int(sum(trainer.num_val_batches))))
        if trainer.state.fn != "fit" or trainer.fit_loop.epoch_loop._should_accumulate():
            return
        # Now, since an average of the weights takes their place during validation.
        self.validation_pending = True
        trainer.save_checkpoint(self.last, weights_only=False)
        if stop := self._asked_anywhere(trainer):
            self._stop(stop)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        saved = trainer.state.fn != "fit" or self.validation_pending
        if not saved or batch_idx >= self._shared_batches:
            return
        if stop := self._asked_anywhere(trainer):
            self._stop(stop)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != "fit":
            return
        self.validation_pending = False
        score = trainer.callback_metrics.get(self.monitor)
        # a figure that is no number, or COCO's -1 where there is nothing to find, is none
        if score is None or not score >= 0:
            return
        if self.best_score is None or score > self.best_score:
            self.best_score = float(score)
            trainer.save_checkpoint(self.best, weights_only=False)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.fit_loop.epoch_loop._num_ready_batches_reached():
            return  # max_steps ended it: what was saved at its last step can go on within it
        trainer.save_checkpoint(self.last, weights_only=False)
        if stop := self._asked_anywhere(trainer):
            self._stop(stop)

    def _asked_anywhere(self, trainer: Trainer) -> int | None:
        """The signal by which any process was asked to stop; all must agree, or some would hang."""
        asked = self._request.signum
        if trainer.world_size == 1:
            return asked
        if not trainer.strategy.reduce_boolean_decision(asked is not None, all=False):
            return None
        return max(signum or 0 for signum in gathered(asked))

    def _stop(self, signum: int) -> NoReturn:
        self._request.grant(signum, f"the state is saved. {self._go_on()}", together=True)

    def _go_on(self) -> str:
        return f"Go on with run_dir={self.last.parent.parent} resume=last"
