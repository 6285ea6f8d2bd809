"""The trained networks that the page offers."""

import json
import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from backbone.errors import InputError
from tasks.api import Model, load
from tasks.common.commands.runs import METRICS
from tasks.common.exported.metadata import FILE as METADATA
from tasks.common.exported.metadata import read_metadata

NUM_LOADED = 3  # of which two are compared
CHECKPOINTS = ("best.ckpt", "last.ckpt")  # the first that is there
LISTED = (".safetensors", ".tflite")

logger = logging.getLogger(__name__)


class Listed(NamedTuple):
    """A network that can be chosen.

    Attributes:
        path: Of its file, or of the folder of an export.
        task: That it is for.
        figure: By which its run is judged, in words; empty where nobody has measured it.
    """

    path: Path
    task: str
    figure: str = ""

    @property
    def label(self) -> str:
        """What a list says of it."""
        return " · ".join(filter(None, (self.task, self.figure, str(self.path))))


class Models:
    """The networks in some folders and at some paths, loaded when they are asked for.

    Args:
        folders: Looked through at any depth, as often as they are listed; they need not exist.
        given: Files, runs and exported folders, which must exist.
    """

    def __init__(self, folders: Sequence[Path], given: Sequence[Path]) -> None:
        self.folders = folders
        self.given = given
        self._listed: dict[str, Listed] = {}
        self._loaded: OrderedDict[str, Model] = OrderedDict()
        self._lock = RLock()
        for path in given:
            self.listed(path)

    def list(self) -> "list[Listed]":
        """All networks there are now; files that cannot be read are named in the log."""
        found = {one.path: one for one in map(self.listed, self.given)}
        for path in (path for folder in self.folders for path in _found(folder)):
            try:
                if path not in found:
                    found[path] = self.listed(path)
            except InputError as error:
                logger.warning("Left out of the list: %s", error)
        self._listed = {str(one.path): one for one in found.values()}
        return list(found.values())

    def listed(self, path: Path) -> Listed:
        """What is to be said of a network, by what stands in its file.

        Raises:
            InputError: If it is none.
        """
        if (path / METADATA).is_file():
            return Listed(path, read_metadata(path)["task"] or "exported")
        path = checkpoint_in(path)
        # torch is there from here on, which exported networks do without
        from backbone.weights import read_checkpoint, read_description
        from tasks.common.networks.own_head import task_of_head
        from tasks.common.networks.published import weights_file

        if path.suffix in LISTED or not path.is_file():
            file = weights_file(path)
            if not file.is_file():
                raise InputError(
                    f"{path}: no network is there. Give a checkpoint, a run, a weights file or a "
                    "folder of tools/export.py"
                )
            if file.suffix != ".safetensors":
                return Listed(path, "weights")
            head = read_description(file).get("head") or {}
            task = task_of_head(head.get("name")) or "weights"
            return Listed(path, task, _figure(path.parent))
        config: Any = read_checkpoint(path, mapped=True).get("config") or {}
        task = config.get("choices", {}).get("task") or "checkpoint"
        return Listed(path, task, _figure(path.parents[1]))

    def named(self, name: str) -> Listed:
        """What is listed by its path as text.

        Raises:
            InputError: If it is not.
        """
        if name not in self._listed:
            self.list()
        if name in self._listed:
            return self._listed[name]
        raise InputError(
            f"model={name}: choose one of the list. It has the networks in "
            f"{', '.join(map(str, self.folders))} and those of models=[...]"
        )

    def load(self, name: str) -> Model:
        """A network by its path as text; the last few stay loaded.

        Raises:
            InputError: If it is none of those listed, or cannot be loaded.
        """
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load(self.named(name).path)
            self._loaded.move_to_end(name)
            while len(self._loaded) > NUM_LOADED:
                self._loaded.popitem(last=False)
            return self._loaded[name]


def _found(folder: Path) -> Iterator[Path]:
    """Each run's checkpoint, weights of no run, and exported folders."""
    if not folder.is_dir():
        return
    for inside in sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())}):
        if (inside / METADATA).is_file():
            yield inside
            continue
        name = next((name for name in CHECKPOINTS if (inside / name).is_file()), None)
        if name:
            yield inside / name
        if not (inside / "checkpoints").is_dir():  # of a run, which has the same network
            yield from sorted(file for file in inside.iterdir() if file.suffix in LISTED)


def checkpoint_in(path: Path) -> Path:
    """The checkpoint of a run's folder; of a file, itself."""
    inside = (path / "checkpoints" / name for name in CHECKPOINTS)
    return next((file for file in inside if file.is_file()), path)


def _figure(run: Path) -> str:
    """The figure that a run is judged by, as the first of its metrics; empty without one."""
    try:
        figures = json.loads((run / METRICS).read_text(encoding="utf-8"))
        name = next(name for name in figures if name.startswith("val/"))
        return f"{name} {figures[name]:.3f}"
    except (OSError, ValueError, StopIteration, TypeError):
        return ""
