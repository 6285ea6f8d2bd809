"""Sweeps, which run a command several times: a folder for each run, and a table at the end."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode

from backbone.errors import InputError
from tasks.common.commands.request import Job, Request, composed
from tasks.common.settings.writing import written

SWEEPS = Path("runs", "sweep")  # without a folder that is named
MEASURED = ("train", "eval")  # commands whose runs a table compares
LONGEST = 100  # characters of a folder's name
UNSAFE = re.compile(r"[^\w.=,+-]+")

logger = logging.getLogger(__name__)


class Sweep:
    """What the jobs of a sweep have in common.

    Args:
        arguments: Of the command line, with several values for some settings.

    Attributes:
        folder: Of the jobs that are given none.
        named: The folder that they are given, once one has begun.
        swept: The settings that have several values.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.folder = SWEEPS / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
        self.named: str | None = None
        self.swept = set(filter(None, map(_swept, arguments)))

    def job(self, request: Request, hydra: Any) -> Job | None:
        """The job that a request is of; None outside of sweeps."""
        if hydra.mode is not RunMode.MULTIRUN:
            return None
        swept = self.swept | set(hydra.sweeper.get("params") or ())  # as of Optuna's
        settings = [
            f"{key.lstrip('+').rpartition('.')[2]}={value}"
            for key, _, value in (override.partition("=") for override in request.overrides)
            if key.lstrip("+") in swept
        ]
        name = UNSAFE.sub("-", "_".join([str(hydra.job.num), *settings]))
        self.named = request.config.get("run_dir") or self.named
        return Job(name[:LONGEST], self.folder)

    def show(self, command: str) -> None:
        """Prints what the runs of a sweep have reached, the best first."""
        if command not in MEASURED:
            return
        from tasks.common.commands.runs import list_runs

        try:
            table = list_runs(composed("runs", [written("input", self.named or self.folder)]))
        except InputError:  # no run has ended
            return
        logger.info("\nOf this sweep:\n%s", table.rstrip())


def _swept(argument: str) -> str | None:
    """The setting that an argument gives several values to, if it does."""
    try:
        override = OverridesParser.create().parse_override(argument)
    except HydraException:  # no setting; what is wrong with it Hydra says itself
        return None
    return override.key_or_group if override.is_sweep_override() else None
