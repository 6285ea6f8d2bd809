"""``metrics.csv``: a row for each logged step, a column for each metric."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from backbone.weights import replacing


class CurveLogger(Logger):
    """Writes the curve of a run, and carries it on when the run is resumed.

    Lightning's own logger deletes the file of the run that it resumes.

    Args:
        path: Of the CSV file.
        resume: Keep the rows that are there, up to the step where training goes on.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        super().__init__()
        self.path = path
        self.rows: dict[int, dict[str, Any]] = {}
        if resume and path.is_file():
            with path.open(newline="") as file:
                self.rows = {int(row["step"]): row for row in csv.DictReader(file)}

    @property
    def name(self) -> str:
        return "curve"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        pass  # config.yaml has them

    def forget_after(self, step: int) -> None:
        """Drops the rows of steps that will be trained again."""
        self.rows = {at: row for at, row in self.rows.items() if at < step}

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        step = step or 0
        self.rows.setdefault(step, {"step": step}).update(metrics)

    @rank_zero_only
    def save(self) -> None:
        if not self.rows:
            return
        columns = list(dict.fromkeys(name for row in self.rows.values() for name in row))
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows[step] for step in sorted(self.rows))
