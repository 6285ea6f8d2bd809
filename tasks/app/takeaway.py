"""What a user takes away: the records as files, and the command that writes the same."""

import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.api import Model
from tasks.app.looking import Looked, kept
from tasks.app.models import Listed
from tasks.common.predictions.entries import write_array
from tasks.common.predictions.formats import ARRAY, TABLE
from tasks.common.predictions.tables import write_csv
from tasks.common.settings.called import as_called
from tasks.common.settings.writing import written
from tasks.common.showing.finding import find_view
from tasks.common.showing.view import Limits

NO_COMMAND = "# every face is looked at by a command where the network is a run's checkpoint"
JSON, CSV = "application/json", "text/csv"


def records(looked: Looked, model: Model, limits: Limits) -> dict[str, tuple[bytes, str]]:
    """What ``tools/predict.py`` writes of the same, by name: content and media type."""
    entries = kept(looked, find_view(model.network.config), limits)
    return {ARRAY: (_file(write_array, entries), JSON), TABLE: (_file(write_csv, entries), CSV)}


def _file(write: Any, entries: Sequence[Mapping[str, Any]]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="records") as folder:
        write(entries, path := Path(folder) / "file")
        return path.read_bytes()


def command(looked: Looked, model: Model, limits: Limits) -> str:
    """The command that writes the same records."""
    view = find_view(model.network.config)
    name, settings = view.command(model.network, limits, knows=looked.knows)
    if name.startswith("demo_") and looked.source.path.suffix != ".ckpt":
        return NO_COMMAND
    names = list(dict.fromkeys(entry["file"] for entry in looked.entries))
    photos = names[0] if len(names) == 1 else "photos"
    given = [
        *_network(looked.source),
        written("input", Path(photos)),
        "output=found",
        *settings,
        *[f"every={looked.every}"] * (looked.every > 1),
    ]
    return as_called(shlex.join(["python", f"tools/{name}.py", *given]))


def _network(source: Listed) -> list[str]:
    """How a command is told of a network."""
    if source.path.is_dir():
        return [written("exported", source.path)]
    if source.path.suffix == ".ckpt":
        return [written("checkpoint", source.path)]
    return [f"task={source.task}", written("init", source.path)]
