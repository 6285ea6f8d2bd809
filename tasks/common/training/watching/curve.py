"""``metrics.csv``: a row for each logged step, a column for each metric."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from backbone.files import replacing


class CurveLogger(Logger):
    """Writes the curve of a run, and carries it on when the run is resumed.

    Lightning's own logger deletes the file of the run that it resumes. A new step is appended to
    the file; only a new column or a later figure for a step that is there writes it anew.

    Args:
        path: Of the CSV file.
        first_step: Where training starts or goes on: the rows before it are kept.
    """

    def __init__(self, path: Path, *, first_step: int) -> None:
        super().__init__()
        self.path = path
        self.rows: dict[int, dict[str, Any]] = {}
        self._columns: list[str] = []  # of the file as it is
        if first_step and path.is_file():
            self.rows = _read_rows(path, first_step)

    @property
    def name(self) -> str:
        return "curve"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        pass  # config.yaml has them

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        step = step or 0
        is_new = step not in self.rows
        row = self.rows.setdefault(step, {"step": step})
        if metrics.items() <= row.items():
            return
        row.update(metrics)
        if is_new and step == max(self.rows) and row.keys() <= set(self._columns):
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self._columns).writerow(row)
        else:
            self._rewrite()

    def _rewrite(self) -> None:
        rows = [self.rows[step] for step in sorted(self.rows)]
        self._columns = list(dict.fromkeys(name for row in rows for name in row))
        with (
            replacing(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(rows)


def _read_rows(path: Path, end: int) -> dict[int, dict[str, Any]]:
    """The rows of the steps before ``end``; a last row that a crash cut short is none of them."""
    rows: dict[int, dict[str, Any]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            step = int(row["step"])
            if step >= end or step <= max(rows, default=-1):
                break
            rows[step] = {name: value for name, value in row.items() if value}
    return rows
