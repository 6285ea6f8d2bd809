"""Lightning's trainer with the callbacks that every run has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins import Precision
from omegaconf import DictConfig

from tasks.common.machine.distributed import watch_processes
from tasks.common.machine.hardware import fastest_precision
from tasks.common.settings.targets import build
from tasks.common.training.checkpoints import AtomicCheckpointIO
from tasks.common.training.trainer_settings import OWN, check_settings
from tasks.common.training.watching.progress import ProgressBar, progress


def build_trainer(
    config: DictConfig,
    *,
    folder: Path,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
    resumed: Mapping[str, Any] | None = None,
) -> Trainer:
    """A trainer for a run folder.

    Args:
        config: The ``trainer`` section; of which ``OWN`` is ours.
        folder: Of the run.
        callbacks: Besides the progress bar.
        loggers: Where metrics go.
        resumed: The contents of the checkpoint that the run goes on from, which has been read.

    Raises:
        InputError: If a setting is not allowed, by us or by Lightning.
    """
    check_settings(config)
    watch_processes()
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
    bar = progress()
    precision = fastest_precision() if config.precision == "auto" else config.precision
    settings = {key: value for key, value in config.items() if key not in OWN}
    trainer: Trainer = build(
        DictConfig({**settings, "precision": precision}),
        callbacks=[*callbacks, bar],
        logger=list(loggers),
        plugins=[AtomicCheckpointIO(resumed)],
        default_root_dir=folder,
        enable_checkpointing=any(hasattr(callback, "monitor") for callback in callbacks),
        enable_model_summary=False,
        enable_progress_bar=isinstance(bar, ProgressBar),
        # our samplers share the data out themselves, without counting any sample twice
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )
    # Lightning's handlers let evaluation go on after SIGTERM, and talk to the other processes while
    # these may be in the middle of something else. Checkpoints handles the signal.
    trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
    return trainer


def work_exactly(trainer: Trainer, *, precision: str) -> None:
    """From here on the trainer computes in float32, unless the user asked for another precision.

    All that leaves a run is computed so: final figures here, and predictions by ``computing_of``.
    Training and the validations on its way may be in bfloat16, whose rounding moves a figure by up
    to a point and a photo's score by several.

    Args:
        trainer: About to validate.
        precision: The setting, ``auto`` where the user gave none.
    """
    if precision == "auto":
        trainer.strategy.precision_plugin = Precision()
