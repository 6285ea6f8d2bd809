"""What a command writes of itself."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf

from backbone.files import replacing

MAX_LINE = 120  # longer ones list what they count

logger = logging.getLogger(__name__)


def say(report: Sequence[str]) -> None:
    """Prints a report's counts; report.txt has the particulars."""
    for line in report:
        if not line.startswith("    "):
            logger.info("%s", line if len(line) <= MAX_LINE else line.partition(":")[0])


@rank_zero_only
def write_config(folder: Path, config: DictConfig) -> None:
    """Writes ``config.yaml``, the settings in force."""
    with replacing(folder / "config.yaml") as temporary:
        OmegaConf.save(config, temporary, resolve=True)


@rank_zero_only
def write_report(folder: Path, lines: Sequence[str]) -> None:
    """Writes ``report.txt``."""
    with replacing(folder / "report.txt") as temporary:
        # a file may have a name that is no UTF-8
        temporary.write_text("\n".join(lines) + "\n", errors="backslashreplace", encoding="utf-8")


@rank_zero_only
def write_json(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
