"""Lightning's trainer with the callbacks that every run has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins import Precision
from omegaconf import DictConfig

from backbone.errors import InputError, check_number
from tasks.common.machine.core_count import num_cores
from tasks.common.machine.distributed import watch_processes
from tasks.common.machine.hardware import fastest_precision
from tasks.common.settings.targets import build
from tasks.common.training.checkpoints import AtomicCheckpointIO
from tasks.common.training.watching.progress import ProgressBar, progress

# Images are float32, so that the weights have to be, too.
PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")

OWN = ("patience", "find_lr")  # settings of the section that Lightning's trainer does not take


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
    _check_settings(config)
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


def num_processes(config: DictConfig) -> int:
    """How many processes a run is of, as far as the settings say it."""
    _check_devices(config)
    devices = config.devices if isinstance(config.devices, int) else 1
    return int(devices * config.num_nodes)


def work_exactly(trainer: Trainer, *, precision: str) -> None:
    """From here on the trainer computes in float32, unless the user asked for another precision.

    All that leaves a run goes by it: final figures, predictions, pictures.
    Training and the validations on its way may be in bfloat16, whose rounding moves a figure by up
    to a point and a photo's score by several.

    Args:
        trainer: About to validate, predict or look at photos.
        precision: The setting, ``auto`` where the user gave none.
    """
    if precision == "auto":
        trainer.strategy.precision_plugin = Precision()


def _check_settings(config: DictConfig) -> None:
    """Refuses what Lightning would take, but fails at later or does otherwise than one thinks."""
    check_number(
        "trainer.accumulate_grad_batches", config.accumulate_grad_batches, at_least=1, whole=True
    )
    if config.check_val_every_n_epoch is not None:
        check_number(
            "trainer.check_val_every_n_epoch",
            config.check_val_every_n_epoch,
            at_least=1,
            whole=True,
        )
    if config.gradient_clip_val is not None:
        check_number("trainer.gradient_clip_val", config.gradient_clip_val, at_least=0)
    if config.limit_val_batches == 0:
        raise InputError(
            "trainer.limit_val_batches=0: a run ends with figures, so leave it some batches. For "
            "fewer validations before, give trainer.check_val_every_n_epoch=N"
        )
    if not isinstance(config.max_time, str | None):
        raise InputError(f"trainer.max_time={config.max_time}: allowed is DD:HH:MM:SS")
    if str(config.precision) not in PRECISIONS:
        raise InputError(
            f"trainer.precision={config.precision}: allowed are {', '.join(PRECISIONS)}"
        )
    if config.get("overfit_batches"):
        raise InputError(
            "trainer.overfit_batches: every epoch is shuffled here, so that its batches would not "
            "be the same. To overfit, train on a folder of a few photos"
        )
    _check_devices(config)


def _check_devices(config: DictConfig) -> None:
    """A process is started for each device, so a slip of the finger could start a thousand."""
    # processes may share a core, as a test of several does on a small machine
    there = torch.cuda.device_count() if torch.cuda.is_available() else max(num_cores(), 2)
    if isinstance(config.devices, int) and not 1 <= config.devices <= there:
        raise InputError(f"trainer.devices={config.devices}: from 1 to {there} on this machine")
    # any other strategy lacks the settings of configs/trainer/ddp.yaml, and may hang
    if isinstance(config.strategy, str) and (
        config.strategy != "auto" or config.devices != 1 or config.num_nodes != 1
    ):
        raise InputError(
            f"trainer.strategy={config.strategy} with trainer.devices={config.devices} and "
            f"trainer.num_nodes={config.num_nodes}: several processes need trainer=ddp, one auto"
        )
