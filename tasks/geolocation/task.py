"""Geolocation: what the shared task leaves open."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from backbone.errors import InputError
from heads.cells import CellHead
from heads.head import Batch
from tasks.common.data.labels import LabelMap
from tasks.common.images.canvas import Canvas
from tasks.common.images.captions import scored_lines
from tasks.common.report import counted_of
from tasks.common.training.reported import Verdict
from tasks.common.training.task import Task
from tasks.geolocation.cells import s2
from tasks.geolocation.cells.maps import GUESS, TRUTH, CellMap, write_web_map
from tasks.geolocation.cells.partition import (
    CellLabels,
    Partition,
    class_counts,
    labelled_partition,
)
from tasks.geolocation.cells.sphere import great_circle_km
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.metric import (
    RADII_KM,
    CellRecords,
    GeolocationMetric,
    constant_figures,
)

LOCATIONS = ("mean", "centre")
NUM_CELLS = 100  # of a prediction, the likeliest
MAX_MAP_HEIGHT = 480  # of what is drawn, which is enlarged beside larger photos
RIGHT_KM = 200  # as near as ``monitor`` asks
NUM_NAMED = 3  # of these, written on its photo


class PlanetTask(Task[GeolocationData, GeolocationMetric]):
    """Trains a classifier of cells and scores it by great-circle distance.

    Args:
        location: What a cell stands for: the ``mean`` location of its photos, or its ``centre``.
        hierarchical: With several granularities, the probability of a cell is the product of its
            own and those of the coarser cells that it lies in.
        albums: Whether albums are scored too: the mean of their photos' probabilities.
        **wiring: See ``Task``.

    Raises:
        InputError: If ``location`` is none of the two.
    """

    head: CellHead
    head_type = CellHead
    monitor = "val/within_200km"
    has_places = True
    legend = (
        "Where each photo was taken, with the likeliest cells of the Earth. Beside it a map of the "
        "cells, the darker the likelier, and a ring around the place that is guessed."
    )

    def __init__(self, *, location: str, hierarchical: bool, albums: bool, **wiring: Any) -> None:
        super().__init__(**wiring)
        if location not in LOCATIONS:
            raise InputError(f"task.location={location}: allowed are {', '.join(LOCATIONS)}")
        self.location = location
        self.hierarchical = hierarchical
        self.albums = albums
        self._maps: dict[int, CellMap] = {}  # by height
        if isinstance(self.label_map, CellLabels):
            self.head.points.copy_(torch.from_numpy(self.label_map.points))

    @classmethod
    def head_arguments(cls, label_map: LabelMap) -> dict[str, Any]:
        return {"num_classes": class_counts(label_map)}

    @cached_property
    def partition(self) -> Partition:
        """The cells that the network tells apart; complete once its weights are loaded."""
        points = self.head.points.detach().cpu().double().numpy()
        return labelled_partition(self.label_map, points)

    @property
    def points(self) -> np.ndarray:
        """What each of the finest cells stands for, ``(C, 2)``."""
        cells = self.partition.finest
        return cells.points if self.location == "mean" else cells.centres

    def make_metric(self, data: GeolocationData) -> GeolocationMetric:
        photos = data.photos("val")
        names = s2.tokens(self.partition.finest.ids)
        return GeolocationMetric(photos, points=self.points, names=names, albums=self.albums)

    def cell_probabilities(self, predictions: Tensor) -> Tensor:
        """Of the finest cells, ``(B, C)``, from those of all granularities."""
        *coarser, finest = predictions.split(class_counts(self.label_map), dim=1)
        if not coarser or not self.hierarchical:
            return finest
        for probabilities, parents in zip(coarser, self.partition.parents, strict=True):
            finest = finest * probabilities[:, torch.from_numpy(parents).to(finest.device)]
        return finest / finest.sum(1, keepdim=True)

    def records(self, predictions: Any, batch: Batch) -> CellRecords:
        probabilities = self.cell_probabilities(predictions)
        scores, cells = probabilities.topk(min(NUM_CELLS, probabilities.shape[1]))
        return CellRecords(batch["id"], cells, scores, probabilities if self.albums else None)

    def summary(self, data: GeolocationData) -> str:
        metric = self.measured
        rows = {"photo by photo": self.figures}
        if metric.has_albums:
            rows["albums"] = {
                name.removeprefix("album_"): value
                for name, value in self.figures.items()
                if name.startswith("album_")
            }
        rows["best constant guess"] = constant_figures(
            metric.points, metric.photos.points[metric.seen]
        )
        photos = counted_of(len(metric.seen), len(metric.photos), "photo", "photos")
        return "\n".join(
            [
                f"{'':20}" + "".join(f"{f'{km} km':>9}" for km in RADII_KM) + "   median km",
                *(figure_line(name, figures) for name, figures in rows.items()),
                f"on {photos} of {metric.photos.folder}, {self.described()}; "
                f"centre crop of {self.image_size} pixels",
                *self.cautions(data),
            ]
        )

    def described(self) -> str:
        """What the predictions are chosen from."""
        return f"{len(self.points)} cells, at the {self.location} of each"

    def entries(self, records: CellRecords) -> list[dict[str, Any]]:
        """One dictionary a photo.

        It has ``location``, with the ``radius_km`` that its cell reaches, and ``cells`` with ``id,
        name, score, latitude, longitude``, the likeliest first.
        """
        names, radii = s2.tokens(self.partition.finest.ids), self.partition.finest.radii_km
        first = len(self.label_map) - len(names)  # its classes come last
        entries = []
        for row in zip(records.cells.tolist(), records.scores.tolist(), strict=True):
            cells = [
                {"id": first + cell, "name": names[cell], "score": score}
                | dict(zip(("latitude", "longitude"), self.points[cell].tolist(), strict=True))
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

    def verdict(self, truth: Mapping[str, Any], entry: Mapping[str, Any]) -> Verdict:
        """How far off it is; right is what the network is chosen by."""
        places = [
            np.array([where["location"]["latitude"], where["location"]["longitude"]])
            for where in (truth, entry)
        ]
        distance_km = float(great_circle_km(*places))
        return Verdict(distance_km <= RIGHT_KM, f"{distance_km:.0f} km away")


def figure_line(name: str, figures: Mapping[str, float]) -> str:
    """A line of the table of figures."""
    shares = "".join(f"{figures[f'within_{km}km']:9.1%}" for km in RADII_KM)
    return f"{name:20}{shares}{figures['median_km']:12.1f}"


def place_name(*, latitude: float, longitude: float, radius_km: float | None = None) -> str:
    """A place in words.

    >>> place_name(latitude=-33.9, longitude=18.4, radius_km=120.0)
    '33.90 S 18.40 E, within 120 km'
    """
    north, east = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
    place = f"{abs(latitude):.2f} {north} {abs(longitude):.2f} {east}"
    return place if radius_km is None else f"{place}, within {radius_km:.0f} km"
