"""Finds a learning rate to train with, by trying all of them for a step each."""

import contextlib
import io
import logging
import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lightning.pytorch.tuner import Tuner
from omegaconf import DictConfig
from torch import Tensor

from backbone.errors import InputError, check_flag
from heads.head import Batch
from tasks.common.data.module import DataModule
from tasks.common.training.lightning_task import LightningTask
from tasks.common.training.random_state import kept_random_state
from tasks.common.training.task import Task
from tasks.common.training.trainer import build_trainer
from tasks.common.training.trainer_settings import num_processes

LOWEST, HIGHEST, STEPS = 1e-8, 1.0, 100  # of Lightning's search
DIGITS = 3  # of the rate: more would say more than a search knows
NO_VALIDATION = 10**9

logger = logging.getLogger(__name__)


def find_rate(task: Task, data: DataModule, config: DictConfig) -> float:
    """The rate at which the loss falls fastest, in a hundred steps with higher and higher ones.

    Nothing else changes: weights, random generators and the order of samples are as they were.

    Args:
        task: With the weights that training starts from.
        data: Training photos.
        config: The ``trainer`` section.

    Raises:
        InputError: If the run is of several processes, or the loss falls at no rate.
    """
    check_flag("trainer.find_lr", config.find_lr)
    if num_processes(config) > 1:
        raise InputError(
            "trainer.find_lr=true: several processes cannot search. Search with one, and give them "
            "what it finds as optim.lr"
        )
    trial = DictConfig({**config, "max_steps": STEPS, "max_epochs": -1, "max_time": None})
    trial.check_val_every_n_epoch, trial.val_check_interval = NO_VALIDATION, None
    before = {name: tensor.clone() for name, tensor in task.state_dict().items()}
    tried = Tried(task, data)
    with kept_random_state(), tempfile.TemporaryDirectory() as folder:
        trainer = build_trainer(trial, folder=Path(folder))
        with _quiet():
            found = Tuner(trainer).lr_find(
                tried,
                min_lr=LOWEST,
                max_lr=HIGHEST,
                num_training=STEPS,
                update_attr=False,
            )
    task.load_state_dict(before)
    data.resume_at = {"epoch": 0, "batches": 0}
    rate = found.suggestion() if found else None
    if rate is None or not math.isfinite(rate):
        raise InputError(
            f"trainer.find_lr=true: the loss falls at no rate from {LOWEST:g} to {HIGHEST:g}. Give "
            "optim.lr"
        )
    rate = float(f"{rate:.{DIGITS}g}")
    logger.info("trainer.find_lr: the loss falls fastest at optim.lr=%g, which is taken", rate)
    return rate


class Tried(LightningTask):
    """A task at rates of which the last ones are too high for any network."""

    def check_finite(self, total: Tensor, losses: dict[str, Tensor], batch: Batch) -> None:
        """A loss that is no number ends no search."""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the bar of the search, where there is no terminal to draw it on."""
    if sys.stderr.isatty():
        yield
    else:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
