"""Other people's networks under our names, of every kind that ``heads/converters`` knows."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from backbone.errors import InputError
from backbone.foreign import what_else
from backbone.published import PublishedFiles
from backbone.weights import Weights

CONVERTERS = Path(__file__).with_name("converters")


class Converter(Protocol):
    """A module of ``heads/converters``; its docstring's first line says what it takes."""

    __doc__: str

    def fits(self, files: PublishedFiles) -> bool:
        """Whether the files are of this kind; no other converter takes the same ones."""

    def convert(self, files: PublishedFiles) -> Weights:
        """The weights, of files that fit.

        Raises:
            InputError: If something is missing or damaged.
        """


def import_published(paths: Sequence[Path], *, names: Sequence[str] | None = None) -> Weights:
    """Converts published files into a weights file of ours.

    Args:
        paths: See ``PublishedFiles``.
        names: The same.

    Raises:
        InputError: If a file is damaged, or of no kind that is known; the message lists these.
    """
    files = PublishedFiles(paths, names=names)
    known = converters()
    for converter in known:
        if converter.fits(files):
            try:
                return converter.convert(files)
            except InputError as error:
                raise InputError(f"source={files}: {error}") from error
    if (said := next(filter(None, map(what_else, paths)), "")) and paths[0].suffix != ".tflite":
        raise InputError(f"source={said}")
    kinds = "\n".join(f"    {converter.__doc__.splitlines()[0]}" for converter in known)
    raise InputError(f"source={files}: not one of the published networks that are known:\n{kinds}")


def converters() -> list[Converter]:
    """All there are, by name."""
    names = sorted(path.stem for path in CONVERTERS.glob("[!_]*.py"))
    return [cast(Converter, importlib.import_module(f"heads.converters.{name}")) for name in names]
