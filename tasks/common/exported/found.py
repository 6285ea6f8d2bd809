"""The formats there are."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from backbone.errors import InputError

FORMATS = Path(__file__).with_name("formats")


class Runner(Protocol):
    """Runs a file by the library that its format is for."""

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name of photos, ``uint8`` of shape ``(B, S, S, 3)``."""


class Format(Protocol):
    """A module of ``formats``."""

    EXTRA: str
    FILE: str

    def write(
        self,
        network: Any,
        folder: Path,
        *,
        batch: int | None,
        names: Mapping[int, str] | None,
        about: str,
    ) -> Path: ...

    def Runner(self, folder: Path, *, threads: int) -> Runner: ...  # noqa: N802


def format_names() -> list[str]:
    """What ``format=`` takes."""
    return sorted(path.stem for path in FORMATS.glob("[!_]*.py"))


def find_format(name: str) -> Format:
    """The module of a format.

    Raises:
        InputError: If there is none of that name.
    """
    if name not in format_names():
        raise InputError(f"format={name}: there is no such format. Formats: {listed()}")
    return cast(Format, importlib.import_module(f"tasks.common.exported.formats.{name}"))


def listed() -> str:
    """The names of all formats."""
    return ", ".join(format_names())


def missing_library(error: ImportError, chosen: Format, name: str) -> InputError:
    """What to say where the library of a format is not installed."""
    return InputError(
        f"format={name} needs {error.name}, which is not installed: "
        f"pip install -e '.[{chosen.EXTRA}]'"
    )
