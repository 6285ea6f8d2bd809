"""JSON of labelling tools, and the numbers in it."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backbone.errors import InputError


def load_json(source: Path) -> Any:
    """What a JSON file holds.

    Raises:
        InputError: If it is not to be read as JSON.
    """
    try:
        return json.loads(source.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{source} is not usable JSON: {error}") from error


def numbers(values: Sequence[Any], *, where: str) -> list[float]:
    """Values as numbers.

    Raises:
        InputError: If one is none, or is not finite.
    """
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} has {values!r:.120}, which must be numbers") from error
    if not all(map(math.isfinite, found)):
        raise InputError(f"{where} has {values!r:.120}, which must be finite")
    return found


def points_of(pairs: Sequence[Any], *, where: str) -> list[float]:
    """``[[x0, y0], [x1, y1], ...]`` as ``x0, y0, x1, y1 ...``.

    Raises:
        InputError: If they are no pairs of numbers.
    """
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise InputError(f"{where} has {pairs!r:.120}, which must be pairs of x and y")
    return numbers([value for pair in pairs for value in pair], where=where)
