"""The share of photos placed within so many kilometres, of single photos and of albums."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backbone.files import replacing
from tasks.common.charts.axes import GREY, new_figure, tidy, write_figure
from tasks.common.training.metric import TaskMetric
from tasks.geolocation.cells.sphere import Points, great_circle_km
from tasks.geolocation.distances import RADII_KM, distance_figures
from tasks.geolocation.photos import GeoPhotos
from tasks.geolocation.records import CellRecords

MAX_ALBUM_VALUES = 1 << 28  # probabilities summed over albums: a gigabyte
MIN_DRAWN_KM, HALF_WAY_ROUND_KM = 0.1, 20_100  # the ends of a chart


class GeolocationMetric(TaskMetric):
    """Distances over all photos that any process has seen, each counted once.

    Every photo has a row of its own, which one process fills in: the largest of the rows that the
    processes hold is the one that was filled, however many filled it. Probabilities of an album
    are summed, over its photos and over the processes.

    Args:
        photos: The photos and where they were taken.
        points: The location that each cell stands for, ``(C, 2)``.
        names: Of the cells, for the predictions that are saved.
        albums: Whether albums are scored, too.
    """

    def __init__(
        self, photos: GeoPhotos, *, points: Points, names: list[str], albums: bool = False
    ) -> None:
        super().__init__()
        self.photos = photos
        self.points = points
        self.names = names
        self.add_state("cells", torch.full((len(photos),), -1), dist_reduce_fx="max")
        self.add_state("scores", torch.full((len(photos),), -1.0), dist_reduce_fx="max")
        self.album_of = torch.from_numpy(np.unique(photos.albums, return_inverse=True)[1])
        self.num_albums = int(self.album_of.max()) + 1 if len(photos) else 0
        values = self.num_albums * len(points)
        self.has_albums = albums and self.num_albums < len(photos) and values <= MAX_ALBUM_VALUES
        shape = (self.num_albums, len(points)) if self.has_albums else (0, 0)
        self.add_state("album_sums", torch.zeros(shape), dist_reduce_fx="sum")

    cells: Tensor
    scores: Tensor
    album_sums: Tensor
    seen: np.ndarray  # photos of all processes, once computed
    distances_km: np.ndarray  # of these

    def update(self, records: CellRecords) -> None:
        """Fills in the rows of a batch."""
        self.cells[records.ids] = records.cells[:, 0]
        self.scores[records.ids] = records.scores[:, 0].float()
        if self.has_albums and records.probabilities is not None:
            albums = self.album_of[records.ids.cpu()].to(self.album_sums.device)
            self.album_sums.index_add_(0, albums, records.probabilities.float())

    def compute(self) -> dict[str, float]:
        """The figures of single photos, and of albums as ``album_within_1km`` and so on."""
        cells = self.cells.cpu().numpy()
        self.seen = np.flatnonzero(cells >= 0)
        self.found, self.found_scores = cells[self.seen], self.scores.cpu().numpy()[self.seen]
        truth = self.photos.points[self.seen]
        self.distances_km = great_circle_km(self.points[self.found], truth)
        figures = distance_figures(self.distances_km)
        if self.has_albums:
            guesses = self.album_sums.argmax(1).cpu().numpy()[self.album_of.numpy()[self.seen]]
            albums = distance_figures(great_circle_km(self.points[guesses], truth))
            figures |= {f"album_{name}": value for name, value in albums.items()}
        return figures

    def save(self, folder: Path) -> None:
        """Writes ``predictions.json`` and ``distances.csv``, and draws ``distances.png``."""
        with replacing(folder / "predictions.json") as temporary:
            temporary.write_text(json.dumps(self._rows(), indent=1) + "\n", encoding="utf-8")
        with (
            replacing(folder / "distances.csv") as temporary,
            temporary.open("w", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["file", "distance_km"])
            for index, distance in zip(self.seen, self.distances_km.tolist(), strict=True):
                writer.writerow([self.photos.path(index), f"{distance:.4f}"])
        if len(self.seen):
            draw_distances(self.distances_km, folder / "distances.png")

    def _rows(self) -> list[dict[str, Any]]:
        rows = []
        for row, index in enumerate(self.seen.tolist()):
            truth, guess = self.photos.points[index], self.points[self.found[row]]
            rows.append(
                {
                    "file": str(self.photos.path(index)),
                    "latitude": float(truth[0]),
                    "longitude": float(truth[1]),
                    "cell": self.names[self.found[row]],
                    "score": float(self.found_scores[row]),
                    "predicted_latitude": float(guess[0]),
                    "predicted_longitude": float(guess[1]),
                    "distance_km": float(self.distances_km[row]),
                }
            )
        return rows


def draw_distances(distances_km: np.ndarray, path: Path) -> None:
    """Draws the share of photos placed within each distance, the latter on a logarithmic axis."""
    figure = new_figure(7, 4.5)
    axes = figure.add_subplot(xscale="log", xlabel="kilometres", ylabel="share placed within")
    tidy(axes)
    shares = np.arange(1, len(distances_km) + 1) / len(distances_km)
    axes.step(np.maximum(np.sort(distances_km), MIN_DRAWN_KM), shares, where="post")
    for radius in RADII_KM:
        axes.axvline(radius, color=GREY, linewidth=0.8, linestyle=":")
        share = f"{np.mean(distances_km <= radius):.1%}"
        axes.text(radius, 1.03, f"{radius} km\n{share}", ha="center", fontsize="small")
    axes.set_xlim(MIN_DRAWN_KM, HALF_WAY_ROUND_KM)
    axes.set_ylim(0, 1.01)
    write_figure(figure, path)
