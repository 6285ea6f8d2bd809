"""The ``trainer`` section, as far as it goes without Lightning: what is refused, and devices."""

from collections.abc import Sequence

import torch
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError, check_choice, check_number
from tasks.common.machine.computing import Computing
from tasks.common.machine.core_count import num_cores
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.writing import settings_in

# Images are float32, so that the weights have to be, too.
PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")

OWN = ("patience", "find_lr")  # settings of the section that Lightning's trainer does not take


def computing_of(config: DictConfig, *, auto: str) -> Computing:
    """Where the one process of a command computes that needs no trainer, and how exactly.

    Args:
        config: The ``trainer`` section, of which Lightning chooses in the same way.
        auto: The precision of ``auto``.

    Raises:
        InputError: If a setting is not allowed, or the machine has no such device.
    """
    check_settings(config)
    check_choice("trainer.accelerator", config.accelerator, allowed=ACCELERATORS)
    if num_processes(config) > 1:
        raise InputError("This command is the work of one process: leave trainer.devices out")
    device = _device(config.accelerator)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    precision = auto if config.precision == "auto" else str(config.precision)
    if (device.type, precision) == ("cpu", "16-mixed"):
        precision = "bf16-mixed"  # processors have no other half
    return Computing(device, precision)


def _device(accelerator: str) -> torch.device:
    is_there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    gpus = [kind for kind in is_there if is_there[kind]]
    fitting = {"auto": [*gpus, "cpu"], "cpu": ["cpu"], "gpu": gpus}
    kinds = fitting.get(accelerator, [kind for kind in gpus if kind == accelerator])
    if not kinds:
        raise InputError(
            f"trainer.accelerator={accelerator}: this machine has none that torch can use. Leave "
            "it out, or give trainer.accelerator=cpu"
        )
    return torch.device(kinds[0])


def check_added(overrides: Sequence[str]) -> None:
    """Refuses further settings of Lightning's trainer where none works.

    Args:
        overrides: As the user gave them.

    Raises:
        InputError: At the first one.
    """
    usual = OmegaConf.load(CONFIGS / "trainer" / "default.yaml")
    for key in settings_in(overrides):
        if key.startswith("trainer.") and key.split(".")[1] not in usual:
            raise InputError(
                f"{key}: nothing is trained or scored here, so that no trainer reads it. Leave it "
                "out"
            )


def num_processes(config: DictConfig) -> int:
    """How many processes a run is of, as far as the settings say it."""
    _check_devices(config)
    devices = config.devices if isinstance(config.devices, int) else 1
    return int(devices * config.num_nodes)


def check_settings(config: DictConfig) -> None:
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
