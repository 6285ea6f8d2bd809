"""What a command writes of itself."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError
from backbone.files import replacing
from tasks.common.machine.first_process import by_first_process
from tasks.common.settings.differences import differences
from tasks.common.settings.recompose import plain_values

if TYPE_CHECKING:
    from tasks.common.networks.checkpoint import Checkpoint
    from tasks.common.training.task import Task

MAX_LINE = 120  # longer ones list what they count
# Settings that a run may change when it is resumed.
OF_ONE_START = ("resume", "run_dir", "overwrite", "init", "report", "backbone.pretrained")
OF_ONE_STRETCH = ("trainer.max_", "logger")

logger = logging.getLogger(__name__)


def in_force(config: DictConfig, task: "Task", folder: Path) -> DictConfig:
    """The settings with all that was left to the network and the command, not to be changed."""
    config = config.copy()
    config.run_dir = str(folder)
    for key, value in task.backbone.settings.items():
        config.backbone[key] = value
    config.data.image_size = task.image_size
    OmegaConf.set_readonly(config, True)
    return config


def check_changes(config: DictConfig, resumed: "Checkpoint") -> None:
    """Says which settings are others than those of the run that goes on.

    Raises:
        InputError: If they are the optimiser's, whose state is the checkpoint's.
    """
    for changed in differences(plain_values(config), resumed.values):
        if changed.path.startswith("optim."):
            raise InputError(
                f"{changed}. A resumed run keeps its optimiser: give the setting as it was, or "
                f"start a new run with init={resumed.path}"
            )
        if changed.path not in OF_ONE_START and not changed.path.startswith(OF_ONE_STRETCH):
            logger.warning("Changed since the checkpoint: %s", changed)


def say(report: Sequence[str]) -> None:
    """Prints a report's counts; report.txt has the particulars."""
    for line in report:
        if not line.startswith("    "):
            logger.info("%s", line if len(line) <= MAX_LINE else line.partition(":")[0])


@by_first_process
def write_config(folder: Path, config: DictConfig) -> None:
    """Writes ``config.yaml``, the settings in force."""
    with replacing(folder / "config.yaml") as temporary:
        OmegaConf.save(config, temporary, resolve=True)


@by_first_process
def write_report(folder: Path, lines: Sequence[str]) -> None:
    """Writes ``report.txt``."""
    with replacing(folder / "report.txt") as temporary:
        # a file may have a name that is no UTF-8
        temporary.write_text("\n".join(lines) + "\n", errors="backslashreplace", encoding="utf-8")


@by_first_process
def write_json(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
