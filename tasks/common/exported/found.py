"""The formats there are, and what each can hold."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from backbone.errors import InputError

FORMATS = Path(__file__).with_name("formats")


# What a module may say of its format beside ``Format``, and what holds where it does not.
TRAITS: Mapping[str, Any] = {
    "NEEDS": (),  # modules of Python that write and run it, by their import names
    "INSTALL": None,  # the line that brings them, where the extra alone does not
    "FREE_BATCH": True,  # whether a file takes any number of photos a call
    "ONE_PHOTO": False,  # whether it takes no more than one
    "HAS_CROPS": True,  # whether its runtimes cut boxes out of maps, as second stages need
    "PRECISIONS": ("fp32",),
    "CALL": "",  # lines of Python that call a file, for its model card
}


class CannotRunError(InputError):
    """The files of a format run elsewhere."""


class CannotWriteError(InputError):
    """A format does not hold a network."""


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
        photos: np.ndarray | None,
    ) -> Path:
        """Writes the file, or a package of files, as ``FILE`` in a folder.

        Args:
            network: A ``Deployed``.
            folder: For the file.
            batch: Photos of a call; None for any number, where the format has it.
            names: Classes by their index; None of several heads, which have their own each.
            about: The metadata as JSON, which the file has too, where the format has a place.
            photos: To find the ranges of int8's values on; None for float32.
        """

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


def trait(chosen: Format, name: str) -> Any:
    """What a format says of itself under one of the names of ``TRAITS``."""
    return getattr(chosen, name, TRAITS[name])


def install_line(chosen: Format) -> str:
    """What brings the libraries of a format."""
    return trait(chosen, "INSTALL") or f"pip install -c constraints.txt -e '.[{chosen.EXTRA}]'"


def missing_library(error: ImportError, chosen: Format, name: str) -> InputError:
    """What to say where the library of a format is not installed."""
    return InputError(
        f"format={name} needs {error.name}, which is not installed: {install_line(chosen)}"
    )


def why_not(
    name: str, *, precision: str = "fp32", batch: int | None = None, has_crops: bool
) -> str | None:
    """Why a network cannot be written in a format here; None where it can.

    Args:
        name: Of the format.
        precision: One of ``PRECISIONS`` of some format.
        batch: Photos of a call; None for what the format has.
        has_crops: Whether the network cuts boxes out of maps.
    """
    chosen = find_format(name)
    if has_crops and not trait(chosen, "HAS_CROPS"):
        able = _with("HAS_CROPS", lambda value: bool(value))
        return f"its runtimes cannot cut boxes out of maps. Formats that can: {able}"
    if precision not in trait(chosen, "PRECISIONS"):
        able = _with("PRECISIONS", lambda value: precision in value)
        return f"it is not written with precision={precision}. Formats that are: {able}"
    if trait(chosen, "ONE_PHOTO") and batch not in (None, 1):
        return f"it takes one photo a call, not batch={batch}"
    for module in trait(chosen, "NEEDS"):
        if importlib.util.find_spec(module) is None:
            return f"it needs {module}, which is not installed: {install_line(chosen)}"
    return None


def _with(name: str, holds: Callable[[Any], bool]) -> str:
    return ", ".join(each for each in format_names() if holds(trait(find_format(each), name)))
