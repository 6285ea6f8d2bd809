"""How a page shows what a network finds, and lets its user see more or less of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backbone.errors import InputError
from tasks.common.images.decoding import DecodedImage
from tasks.common.predictions.chosen import Chosen
from tasks.common.predictions.entries import Entry
from tasks.common.predictions.network import Network
from tasks.common.predictions.tables import rows_of
from tasks.common.settings.writing import written

LONGEST_CELL = 100  # characters
OF_PHOTO = ("file", "width", "height", "frame", "seconds")  # which a table of one photo leaves out


class Bound(NamedTuple):
    """A number that a user moves, by which less or more of the same entries is shown.

    Attributes:
        label: What it is.
        highest: It goes from 0 to this.
        start: Where it is at first.
    """

    label: str
    highest: float
    start: float


class Limits(NamedTuple):
    """What a user has chosen to see of entries.

    Attributes:
        bound: The number of ``View.bound``.
        classes: Names of the only classes to see; empty for all.
    """

    bound: float
    classes: Sequence[str] = ()


class View:
    """Shows entries as most applications have them: what scores, in a picture and in a table.

    The application of data ``tasks.APPLICATION.data`` has its own in
    ``tasks.APPLICATION.showing``, as ``view``.
    """

    title: str = "Other"  # of the tab, which several applications may share
    knows_people: bool = False  # whether it takes photos of people, to name others after
    has_classes: bool = True  # whether a few classes may be chosen by name

    def bound(self, network: Network) -> Bound:
        """What of the network's entries is shown at first."""
        return Bound("Lowest score", 1.0, float(network.config.pictures.min_score))

    def entries(
        self, network: Network, files: Sequence[Path], known: Mapping[str, Sequence[Path]]
    ) -> list[dict[str, Any]]:
        """What is in photos, an entry each.

        Args:
            network: Looks at them.
            files: The photos.
            known: Photos of people by their names, where ``knows_people``.

        Raises:
            InputError: If one cannot be read.
        """
        entries: list[dict[str, Any]] = []
        for seen in network.look_at(files):
            if seen.errors:
                raise InputError("\n".join(seen.errors))
            entries += seen.entries
        return entries

    def kept(self, entry: Entry, limits: Limits) -> dict[str, Any]:
        """Of an entry what is shown, and written to files."""
        return Chosen(limits.bound, frozenset(limits.classes) or None)(entry)

    def picture(
        self, network: Network, image: DecodedImage, entry: Entry, limits: Limits
    ) -> np.ndarray:
        """A kept entry drawn on its photo, RGB, ``(H, W, 3)``."""
        return network.described.draw(image.pixels, entry, size=image.size)

    def bars(self, entry: Entry) -> dict[str, float]:
        """Shares of 1 by name, to be drawn as bars; none where there is nothing like that."""
        return {}

    def rows(self, entry: Entry, limits: Limits) -> list[dict[str, Any]]:
        """A kept entry as a table."""
        found = {key: value for key, value in entry.items() if key not in OF_PHOTO}
        rows = [
            {key: _cell(value) for key, value in row.items() if _is_readable(value)}
            for row in rows_of(found)
        ]
        return [row for row in rows if row]

    def command(self, network: Network, limits: Limits, *, knows: bool) -> tuple[str, list[str]]:
        """The command that writes the same entries, and its settings beside network and photos.

        Args:
            network: That has looked.
            limits: What is shown.
            knows: Whether people are known.
        """
        settings = [f"min_score={limits.bound:g}"]
        if limits.classes:
            settings.append(written("classes", list(limits.classes)))
        return "predict", settings


def _is_readable(value: Any) -> bool:
    """Whether a value is no list of numbers and no coded mask."""
    return not isinstance(value, list) and len(str(value)) <= LONGEST_CELL


def _cell(value: Any) -> Any:
    """A value as a reader takes it."""
    return float(f"{value:.4g}") if isinstance(value, float) else value
