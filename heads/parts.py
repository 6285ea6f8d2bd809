"""The outputs of several heads in one file, by their names."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def of_part(part: str, found: Mapping[str, T]) -> dict[str, T]:
    """A part's share of what ``MultitaskHead.deployed`` gives.

    >>> of_part("age", {"age_probabilities": 1, "look_embedding": 2})
    {'probabilities': 1}
    """
    start = f"{part}_"
    return {key.removeprefix(start): x for key, x in found.items() if key.startswith(start)}
