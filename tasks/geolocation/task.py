"""Geolocation: what the shared task leaves open."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from backbone.errors import InputError
from heads.cells import CellHead
from heads.head import Batch
from tasks.common.data.labels import LabelMap
from tasks.common.images.canvas import Canvas
from tasks.common.report import counted_of
from tasks.common.training.reported import Verdict
from tasks.common.training.task import Task
from tasks.geolocation.cells import s2
from tasks.geolocation.cells.partition import (
    CellLabels,
    Partition,
    class_counts,
)
from tasks.geolocation.cells.sphere import great_circle_km
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.describing import LOCATIONS, NUM_CELLS, PlaceDescriber
from tasks.geolocation.distances import RADII_KM, constant_figures
from tasks.geolocation.records import CellRecords

if TYPE_CHECKING:
    from tasks.geolocation.metric import GeolocationMetric

RIGHT_KM = 200  # as near as ``monitor`` asks


class PlanetTask(Task[GeolocationData, "GeolocationMetric"]):
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
        if isinstance(self.label_map, CellLabels):
            self.head.points.copy_(torch.from_numpy(self.label_map.points))

    @classmethod
    def head_arguments(cls, label_map: LabelMap) -> dict[str, Any]:
        return {"num_classes": class_counts(label_map)}

    @cached_property
    def cells(self) -> PlaceDescriber:
        """What its cells are; complete once its weights are loaded."""
        return PlaceDescriber(
            self.label_map,
            image_size=self.image_size,
            task={"location": self.location, "hierarchical": self.hierarchical},
            data={},
            tables={"points": self.head.points.detach().cpu().numpy()},
        )

    @property
    def partition(self) -> Partition:
        """The cells that the network tells apart."""
        return self.cells.partition

    @property
    def points(self) -> np.ndarray:
        """What each of the finest cells stands for, ``(C, 2)``."""
        return self.cells.places

    def make_metric(self, data: GeolocationData) -> "GeolocationMetric":
        from tasks.geolocation.metric import GeolocationMetric  # and torchmetrics with it

        photos = data.photos("val")
        names = s2.tokens(self.partition.finest.ids)
        return GeolocationMetric(photos, points=self.points, names=names, albums=self.albums)

    def records(self, predictions: Any, batch: Batch) -> CellRecords:
        probabilities = self.cells.cell_probabilities(predictions)
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
        return self.cells.named(records.cells.tolist(), records.scores.tolist())

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Writes the place and the likeliest cells on the photo; beside it goes a map of them."""
        self.cells.mark(canvas, entry)

    def illustrate(self, entry: Mapping[str, Any], path: Path) -> None:
        """Writes a map to move and zoom in."""
        self.cells.illustrate(entry, path)

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
