"""In what two configs differ."""

from collections.abc import Iterator, Mapping
from typing import Any


def differences(ours: Any, theirs: Any, *, path: str = "") -> Iterator[str]:
    """Lines that name each setting in which two plain configs differ."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted(ours.keys() | theirs.keys()):
            place = f"{path}.{key}" if path else str(key)
            yield from differences(ours.get(key), theirs.get(key), path=place)
    elif ours != theirs:
        yield f"{path}: {theirs!r} in the checkpoint, {ours!r} now"
