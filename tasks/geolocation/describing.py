"""What the outputs of a network of cells mean, without torch."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from tasks.common.data.augmentation import plain
from tasks.common.data.samples import UnlabelledSet
from tasks.common.images.canvas import Canvas
from tasks.common.images.captions import scored_lines
from tasks.common.training.described import Arrays, Describer, Run, output_of
from tasks.geolocation.cells import s2
from tasks.geolocation.cells.maps import GUESS, TRUTH, CellMap, write_web_map
from tasks.geolocation.cells.partition import Partition, class_counts, labelled_partition

LOCATIONS = ("mean", "centre")
NUM_CELLS = 100  # of a prediction, the likeliest
MAX_MAP_HEIGHT = 480  # of what is drawn, which is enlarged beside larger photos
NUM_NAMED = 3  # of these, written on its photo

ArrayT = TypeVar("ArrayT", bound=Any)  # of numpy, or a tensor


class PlaceDescriber(Describer):
    """Says where each photo was taken.

    ``task`` has the settings ``location`` and ``hierarchical`` of ``PlanetTask``, and ``tables``
    the ``points`` of ``CellHead``.
    """

    has_places = True

    @cached_property
    def partition(self) -> Partition:
        """The cells that the network tells apart."""
        return labelled_partition(self.label_map, self.tables["points"].astype(np.float64))

    @property
    def places(self) -> np.ndarray:
        """What each of the finest cells stands for, ``(C, 2)``."""
        cells = self.partition.finest
        return cells.points if self.task["location"] == "mean" else cells.centres

    @cached_property
    def _maps(self) -> dict[int, CellMap]:
        return {}  # by height

    def predict_set(self, paths: Sequence[Path]) -> UnlabelledSet:
        return UnlabelledSet(paths, plain(self.image_size))

    def cell_probabilities(self, predictions: ArrayT) -> ArrayT:
        """Of the finest cells, ``(B, C)``, from those of all granularities."""
        ends = np.cumsum(class_counts(self.label_map)).tolist()
        starts = [0, *ends[:-1]]
        *coarser, finest = (predictions[:, a:b] for a, b in zip(starts, ends, strict=True))
        if not coarser or not self.task["hierarchical"]:
            return finest
        for probabilities, parents in zip(coarser, self.partition.parents, strict=True):
            finest = finest * probabilities[:, parents]
        return finest / finest.sum(1)[:, None]

    def entries(self, run: Run, batch: Arrays) -> list[dict[str, Any]]:
        found = output_of(run(batch["image"]), "probabilities", columns=len(self.label_map))
        shares = self.cell_probabilities(found)
        cells = np.argsort(-shares, axis=1, kind="stable")[:, :NUM_CELLS]
        return self.named(cells.tolist(), np.take_along_axis(shares, cells, axis=1).tolist())

    def named(
        self, likeliest: Sequence[Sequence[int]], shares: Sequence[Sequence[float]]
    ) -> list[dict[str, Any]]:
        """One dictionary a photo.

        It has ``location``, with the ``radius_km`` that its cell reaches, and ``cells`` with ``id,
        name, score, latitude, longitude``, the likeliest first.

        Args:
            likeliest: Numbers of cells, among the finest, a row a photo.
            shares: Their probabilities.
        """
        names, radii = s2.tokens(self.partition.finest.ids), self.partition.finest.radii_km
        first = len(self.label_map) - len(names)  # its classes come last
        entries = []
        for row in zip(likeliest, shares, strict=True):
            cells = [
                {"id": first + cell, "name": names[cell], "score": score}
                | dict(zip(("latitude", "longitude"), self.places[cell].tolist(), strict=True))
                for cell, score in zip(*row, strict=True)
            ]
            best = {key: cells[0][key] for key in ("latitude", "longitude")}
            radius = round(float(radii[row[0][0]]), 1)
            entries.append({"location": best | {"radius_km": radius}, "cells": cells})
        return entries

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Writes the place and the likeliest cells on the photo; beside it goes a map of them."""
        cells = scored_lines(entry.get("cells", [])[:NUM_NAMED])
        canvas.write([place_name(**entry["location"]), *cells])
        canvas.beside(self.draw_map(entry, height=canvas.size[1]))

    def draw_map(self, entry: Mapping[str, Any], *, height: int) -> np.ndarray:
        """Where an entry's cells are, and a ring around its location."""
        shares = np.zeros(len(self.partition.finest))
        first = len(self.label_map) - len(shares)
        for cell in entry.get("cells", []):
            shares[cell["id"] - first] = cell["score"]
        drawn = min(height, MAX_MAP_HEIGHT)
        if drawn not in self._maps:
            self._maps[drawn] = CellMap(self.partition.finest, height=drawn)
        picture = self._maps[drawn].draw(shares / max(shares.max(), 1e-9))
        point = np.array([entry["location"]["latitude"], entry["location"]["longitude"]])
        self._maps[drawn].mark(picture, point, GUESS if "cells" in entry else TRUTH)
        return cv2.resize(picture, (2 * height, height), interpolation=cv2.INTER_LINEAR)

    def illustrate(self, entry: Mapping[str, Any], path: Path) -> None:
        """Writes a map to move and zoom in."""
        write_web_map(path.with_suffix(".html"), entry)


def place_name(*, latitude: float, longitude: float, radius_km: float | None = None) -> str:
    """A place in words.

    >>> place_name(latitude=-33.9, longitude=18.4, radius_km=120.0)
    '33.90 S 18.40 E, within 120 km'
    """
    north, east = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
    place = f"{abs(latitude):.2f} {north} {abs(longitude):.2f} {east}"
    return place if radius_km is None else f"{place}, within {radius_km:.0f} km"


describer = PlaceDescriber
