"""A file of weights, read once for all that a command needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from backbone.description import lineage
from backbone.errors import InputError
from backbone.weights import network_tensors, read_checkpoint, read_weights
from heads.published import import_published

TFLITE = ".tflite"  # tells by itself that it is a published network
RESUMABLE = ("config", "global_step", "loops", "optimizer_states")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a run, or a file of a network alone.

    Attributes:
        path: Of the file.
        tensors: Keyed ``backbone.*`` and ``head.*``.
        description: Of the network that they belong to.
        values: The settings of its run; empty of a network alone.
        choices: The option that the run had of each group; empty of a network alone.
        global_step: Optimiser steps of its run.
        state: All that Lightning resumes a run from; empty where that was not asked for.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    description: Mapping[str, Any]
    values: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, str | None] = field(default_factory=dict)
    global_step: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, *, to_resume: bool = False) -> "Checkpoint":
        """Reads either kind of file, running no code from it.

        Args:
            path: Of the file.
            to_resume: Whether a run is to go on from it: then all of it is kept in memory.

        Raises:
            InputError: If the file is missing, damaged or not ours, or no run can go on from it.
        """
        if to_resume:
            read = cls._of_state(path, read_checkpoint(path))
            if lacking := [name for name in RESUMABLE if name not in read.state]:
                raise InputError(
                    f"{path} is no checkpoint to resume from: it lacks {', '.join(lacking)}"
                )
            return read
        if path.suffix in (".safetensors", TFLITE) or not path.is_file():
            foreign = path.suffix == TFLITE and path.is_file()
            weights = import_published([path]) if foreign else read_weights(path)
            return cls(path, weights.tensors, weights.description)
        return replace(cls._of_state(path, read_checkpoint(path)), state={})

    @classmethod
    def _of_state(cls, path: Path, state: Mapping[str, Any]) -> "Checkpoint":
        config = state.get("config")
        kept = config if isinstance(config, dict) else {}
        values, choices = (kept.get(name) for name in ("values", "choices"))
        if not (isinstance(values, dict) and isinstance(choices, dict)):
            values, choices = {}, {}
        tensors = network_tensors(state["state_dict"])
        step = int(state.get("global_step", 0))
        return cls(path, tensors, state["description"], values, choices, step, state)

    @classmethod
    def of_run(cls, path: Path) -> "Checkpoint":
        """Reads a checkpoint of a run, from which its settings can be had.

        Args:
            path: Of the file, or of the run's folder for its best one.

        Raises:
            InputError: If the file is anything else.
        """
        path = _best_in(path)
        if path.suffix in (".safetensors", TFLITE) or not path.is_file():
            read_checkpoint(path)  # which says so
        checkpoint = cls.read(path)
        if not checkpoint.choices:
            raise InputError(f"{path}: a checkpoint that lacks the settings of its run")
        return checkpoint

    @property
    def trained_on(self) -> list[str]:
        """The data sets that its weights have learned from."""
        return lineage(self.description)


def _best_in(path: Path) -> Path:
    """The best checkpoint in a run folder, or the last one of a run without; of a file, itself."""
    for folder in (path / "checkpoints", path):
        for name in ("best.ckpt", "last.ckpt"):
            if (folder / name).is_file():
                return folder / name
    return path
