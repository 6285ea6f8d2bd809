"""The runs beside each other: the table of tools/runs.py, and their curves."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from backbone.errors import InputError
from tasks.app.markup import figure, note, page, table
from tasks.common.commands.runs import find_runs, list_runs
from tasks.common.console.asking import asking

CURVES = "curves.png"


def runs_table(folder: Path) -> str:
    """What ``tools/runs.py input=FOLDER`` lists, the best first, as HTML."""
    try:
        with asking("runs", [], {"input": folder, "format": "json"}) as request:
            rows: Sequence[dict[str, Any]] = json.loads(list_runs(request))
    except InputError as error:
        return note(str(error))
    return page(table([{name: _rounded(value) for name, value in row.items()} for row in rows]))


def runs_with_curves(folder: Path) -> list[str]:
    """The folders of runs that have drawn their curves."""
    if not folder.is_dir():
        return []
    return [str(run.folder) for run in find_runs(folder) if (run.folder / CURVES).is_file()]


def curves(folder: Path, run: str) -> str:
    """The curves of a run, as HTML.

    Args:
        folder: Of all runs.
        run: One of ``runs_with_curves``; nothing else is read from the disk.

    Raises:
        InputError: If it is none of these.
    """
    if run not in runs_with_curves(folder):
        raise InputError(f"run={run}: there is no such run with curves in {folder}")
    picture = cv2.imread(str(Path(run) / CURVES))
    if picture is None:
        raise InputError(f"{Path(run) / CURVES} cannot be read")
    return page(figure(run, picture[..., ::-1]))


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
