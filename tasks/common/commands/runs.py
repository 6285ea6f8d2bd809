"""Runs beside each other: their figures, and the settings in which they differ."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table
from yaml import YAMLError

from backbone.errors import InputError, check_choice
from tasks.common.commands.request import Request

FORMATS = ("text", "csv", "json")
METRICS, CONFIG = "metrics.json", "config.yaml"
# Where a run was put, and how it was started, sets no network apart.
NO_SETTINGS = ("run_dir", "overwrite", "resume", "small", "data.num_workers")
MINUTES, MINUTES_OF_A_RUN = "minutes", "train/minutes"
WIDE = 200  # columns, for a pipe, which has no width


class Run(NamedTuple):
    """A run that has ended.

    Attributes:
        folder: Of the run.
        figures: What ``metrics.json`` says.
        settings: Values by path, such as ``optim.lr``.
    """

    folder: Path
    figures: Mapping[str, float]
    settings: Mapping[str, Any]

    @property
    def figure(self) -> str:
        """The name of the figure that a run is judged by, its first one."""
        return next((name for name in self.figures if name.startswith("val/")), "")

    def value(self, name: str) -> Any:
        """A figure or setting by name; None if the run has none."""
        name = MINUTES_OF_A_RUN if name == MINUTES else name
        return self.figures.get(name, self.settings.get(name))


def list_runs(request: Request) -> str:
    """A table for each figure that runs are judged by.

    Args:
        request: Of ``configs/runs.yaml``.

    Raises:
        InputError: If there are no runs, or none has what they are to be sorted by.
    """
    config = request.config
    check_choice("format", config.format, allowed=FORMATS)
    runs = list(find_runs(Path(config.input)))
    if not runs:
        raise InputError(
            f"input={config.input}: no run has ended there, which would have left {METRICS} and "
            f"{CONFIG}"
        )
    if config.sort and all(run.value(config.sort) is None for run in runs):
        raise InputError(f"sort={config.sort}: no run has such a figure or setting")
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.figure, []).append(run)
    more = [config.metrics] if isinstance(config.metrics, str) else list(config.metrics)
    tables = [[*_rows(_sorted(group, config.sort), more)] for group in groups.values()]
    write = {"text": _as_text, "csv": _as_csv, "json": _as_json}[config.format]
    return write(tables)


def find_runs(folder: Path) -> Iterator[Run]:
    """The runs in a folder, at any depth.

    Raises:
        InputError: If there is no such folder, or a file of a run cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"input={folder}: there is no such folder")
    for path in sorted(folder.rglob(METRICS)):
        if (path.parent / CONFIG).is_file():
            yield read_run(path.parent)


def read_run(folder: Path) -> Run:
    """A run by its folder.

    Raises:
        InputError: If a file of it cannot be read.
    """
    try:
        figures = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        config = OmegaConf.to_container(OmegaConf.load(folder / CONFIG))
    except (ValueError, OSError, YAMLError) as error:
        raise InputError(f"{folder}: {METRICS} or {CONFIG} cannot be read: {error}") from error
    if not isinstance(figures, dict) or not isinstance(config, dict):
        raise InputError(f"{folder}: {METRICS} or {CONFIG} is not of a run")
    own = str(config.get("run_dir"))  # data that were drawn for it lie there
    settings = {
        name: value
        for name, value in _flat(config)
        if name not in NO_SETTINGS
        and not name.endswith("_partial_")
        and not str(value).startswith(own)
    }
    return Run(folder, figures, settings)


def _flat(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, values


def _sorted(runs: Sequence[Run], by: str | None) -> list[Run]:
    """The best first; by a setting from small to large; what has no value last."""

    def place(run: Run) -> tuple[bool, Any]:
        value = run.value(by or run.figure)
        if isinstance(value, int | float):
            return value is None, value if by in run.settings or by == MINUTES else -value
        return value is None, str(value)

    return sorted(runs, key=place)


def _rows(runs: Sequence[Run], more: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row for each run: its figures, and its settings that not all of these have."""
    names = {name for run in runs for name in run.settings}
    differing = sorted(
        name for name in names if len({str(run.settings.get(name)) for run in runs}) > 1
    )
    for run in runs:
        figures = [run.figure, *(name for name in more if name != run.figure)]
        yield {
            **{name: run.figures.get(name) for name in figures},
            MINUTES: run.figures.get(MINUTES_OF_A_RUN),
            "run": str(run.folder),
            **{name: run.settings.get(name) for name in differing},
        }


def _as_text(tables: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """For the console: settings in one column, by the last words of their names."""
    written = io.StringIO()
    terminal = Console()
    console = Console(file=written, width=terminal.width if terminal.is_terminal else WIDE)
    for rows in tables:
        names = list(rows[0])
        first = names[: names.index("run") + 1]
        table = Table(*first, "settings that differ", box=None, padding=(0, 2, 0, 0))
        table.columns[len(first) - 1].overflow = "fold"  # a path is there to be copied
        for row in rows:
            settings = [
                f"{_short(name, names)}={_last_word(name, row[name])}"
                for name in names[len(first) :]
                if row[name] is not None
            ]
            table.add_row(*(_figure(row[name]) for name in first), " ".join(settings))
        console.print(table, markup=False)
    return written.getvalue()


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _short(name: str, names: Sequence[str]) -> str:
    """The last word of a setting's name, if no other one ends with it."""
    last = name.rpartition(".")[2]
    return last if sum(other.rpartition(".")[2] == last for other in names) == 1 else name


def _last_word(name: str, value: Any) -> Any:
    return str(value).rpartition(".")[2] if name.endswith("_target_") else value


def _as_csv(tables: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    rows = [row for table in tables for row in table]
    written = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(written, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _as_json(tables: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    rows = [row for table in tables for row in table]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
