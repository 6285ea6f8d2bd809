"""Lightning's trainer with the callbacks that every run has."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig

from backbone.errors import InputError, check_number
from tasks.common.checkpoint import AtomicCheckpointIO
from tasks.common.config import build
from tasks.common.progress import ProgressBar, progress


def build_trainer(
    config: DictConfig,
    *,
    folder: Path,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
) -> Trainer:
    """A trainer for a run folder.

    Args:
        config: The ``trainer`` section.
        folder: Of the run.
        callbacks: Besides the progress bar.
        loggers: Where metrics go.
    """
    _check_devices(config)
    for key in ("accumulate_grad_batches", "check_val_every_n_epoch"):
        if config[key] is not None:
            check_number(f"trainer.{key}", config[key], at_least=1, whole=True)
    if config.gradient_clip_val is not None:
        check_number("trainer.gradient_clip_val", config.gradient_clip_val, at_least=0)
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
    bar = progress()
    trainer: Trainer = build(
        config,
        precision=fastest_precision() if config.precision == "auto" else config.precision,
        callbacks=[*callbacks, bar],
        logger=list(loggers),
        plugins=[AtomicCheckpointIO()],
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


def _check_devices(config: DictConfig) -> None:
    """A process is started for each device, so a slip of the finger could start a thousand."""
    # processes may share a core, as a test of several does on a small machine
    there = torch.cuda.device_count() if torch.cuda.is_available() else max(os.cpu_count() or 1, 2)
    if isinstance(config.devices, int) and not 1 <= config.devices <= there:
        raise InputError(f"trainer.devices={config.devices}: from 1 to {there} on this machine")


def fastest_precision() -> str:
    """bfloat16 autocast where the processor has instructions for it, or else float32."""
    if torch.cuda.is_available():
        return (
            "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
        )
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    fast = features.get("amx_bf16") or features.get("avx512_bf16") or features.get("amx_tile")
    return "bf16-mixed" if fast else "32-true"
