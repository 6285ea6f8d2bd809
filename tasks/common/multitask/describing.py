"""What the outputs of several heads mean, without torch: each part says its own."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from heads.parts import of_part
from tasks.common.images.canvas import Canvas
from tasks.common.training.described import Arrays, Described, Run

T = TypeVar("T")


def joined(parts: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """The entries of all parts; a name that several have gets the part's before it.

    >>> joined({"age": {"score": 1, "years": 2}, "look": {"score": 3}})
    {'age/score': 1, 'years': 2, 'look/score': 3}
    """
    counts = Counter(key for part in parts.values() for key in part)
    return {
        key if counts[key] == 1 else f"{name}/{key}": value
        for name, part in parts.items()
        for key, value in part.items()
    }


class DescribedParts:
    """Shows what each part says, one over the other.

    Args:
        parts: By name.
    """

    def __init__(self, parts: Mapping[str, Described]) -> None:
        self.parts = parts

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Draws an entry of ``joined``, or of its one ``part``."""
        for name in self._parts_in(entry):
            self.parts[name].mark(canvas, self._own(name, entry))

    def illustrate(self, entry: Mapping[str, Any], path: Path) -> None:
        """As ``Described.illustrate``."""
        for name in self._parts_in(entry):
            self.parts[name].illustrate(self._own(name, entry), path)

    def _parts_in(self, entry: Mapping[str, Any]) -> list[str]:
        return [entry["part"]] if "part" in entry else list(self.parts)

    def _own(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """An entry with the part's own names for what is its own."""
        return {key.removeprefix(f"{name}/"): value for key, value in entry.items()}


class RunOfParts:
    """A network of several heads as that of one of them, which runs once for all.

    Args:
        run: Gives the outputs of all.
        image: What all look at.
    """

    def __init__(self, run: Run, image: np.ndarray) -> None:
        self.run = run
        self.image = image
        self.found = run(image)

    def of(self, part: str) -> Run:
        """The network of a part."""

        def run(image: np.ndarray) -> Arrays:
            return of_part(part, self.found if image is self.image else self.run(image))

        return run
