"""Photos that a network is both trained and validated on."""

import os
from collections.abc import Iterable
from pathlib import Path


def overlap_lines(trained: Iterable[Path], validated: Iterable[Path], *, what: str) -> list[str]:
    """A line on how many of the validated photos are trained on too; none where there are none.

    Args:
        trained: Photos to train on. They are told by their places, not by what is in them.
        validated: Photos to validate on.
        what: The latter are called.
    """
    places = set(map(os.path.abspath, validated))
    shared = len(places.intersection(map(os.path.abspath, trained)))
    if not shared:
        return []
    return [f"{shared} of {len(places)} {what} are trained on too, so that figures flatter"]
