"""In what two configs differ."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """A setting that two configs have otherwise; None where one of them lacks it."""

    path: str
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.path}: {self.theirs!r} in the checkpoint, {self.ours!r} now"


def differences(ours: Any, theirs: Any, *, path: str = "") -> Iterator[Difference]:
    """The settings in which two plain configs differ."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted(ours.keys() | theirs.keys()):
            place = f"{path}.{key}" if path else str(key)
            yield from differences(ours.get(key), theirs.get(key), path=place)
    elif ours != theirs:
        yield Difference(path, theirs, ours)
