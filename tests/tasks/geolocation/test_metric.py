"""Shares by distance in named cases, of albums and over several processes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.common.data.labels import LabelMap
from tasks.geolocation.distances import constant_figures, distance_figures
from tasks.geolocation.metric import GeolocationMetric
from tasks.geolocation.photos import GeoPhotos
from tasks.geolocation.records import CellRecords

KM = 1 / 111.195  # degrees of latitude
# cells at these kilometres north of the photos, which are all at (0, 0)
POINTS = np.array([[0.5 * KM, 0], [20 * KM, 0], [150 * KM, 0], [700 * KM, 0], [9000 * KM, 0]])
NAMES = list("abcde")


def photos(count: int, albums: list[int] | None = None) -> GeoPhotos:
    return GeoPhotos(
        Path("photos"),
        np.array([f"{number}.jpg".encode() for number in range(count)]),
        np.zeros((count, 0), np.int64),
        LabelMap((), ()),
        points=np.zeros((count, 2)),
        albums=np.array(albums or range(count)),
    )


def metric_of(*cells: int) -> GeolocationMetric:
    metric = GeolocationMetric(photos(5), points=POINTS, names=NAMES)
    chosen = torch.tensor(cells, dtype=torch.long)[:, None]
    metric.update(CellRecords(torch.arange(len(cells)), chosen, torch.ones(len(cells), 1)))
    return metric


def test_by_hand() -> None:
    figures = metric_of(0, 1, 2, 3, 4).compute()
    shares = [figures[f"within_{km}km"] for km in (1, 25, 200, 750, 2500)]
    assert shares == [0.2, 0.4, 0.6, 0.8, 0.8]
    assert figures["median_km"] == pytest.approx(150, rel=1e-4)


def test_perfect_none_and_empty() -> None:
    assert metric_of(0, 0, 0, 0, 0).compute()["within_1km"] == 1
    assert metric_of(4, 4).compute()["within_2500km"] == 0
    assert metric_of().compute()["within_2500km"] == 0
    assert distance_figures(np.array([1.0, 1.0001]))["within_1km"] == 0.5


def test_an_album_is_the_mean_of_its_photos() -> None:
    metric = GeolocationMetric(photos(3, albums=[4, 4, 9]), points=POINTS, names=NAMES, albums=True)
    shares = torch.tensor([[0.9, 0.1, 0, 0, 0], [0, 0.4, 0, 0, 0.6], [0, 0, 0, 0, 1.0]])
    best = shares.argmax(1, keepdim=True)
    metric.update(CellRecords(torch.arange(3), best, torch.ones(3, 1), shares))
    figures = metric.compute()
    assert (figures["within_1km"], figures["album_within_1km"]) == (1 / 3, 2 / 3)


def test_processes_gather_their_rows() -> None:
    shares = [metric_of(0, 0), metric_of()]
    for name, reduce in shares[0]._reductions.items():
        both = torch.stack([getattr(metric, name) for metric in shares])
        setattr(shares[0], name, reduce(both))
    assert shares[0].compute()["within_1km"] == 1
    assert len(shares[0].seen) == 2


def test_no_constant_guess_is_better() -> None:
    truth = np.array([[0, 0], [0, 0.1], [50, 50]])
    figures = constant_figures(np.array([[0, 0], [50, 50]]), truth)
    assert (figures["within_1km"], figures["within_25km"]) == (1 / 3, 2 / 3)


def test_what_is_written_can_be_checked(tmp_path: Path) -> None:
    metric = metric_of(0, 2)
    metric.compute()
    metric.save(tmp_path)
    assert (tmp_path / "distances.png").stat().st_size > 0
    rows = json.loads((tmp_path / "predictions.json").read_text())
    assert [row["cell"] for row in rows] == ["a", "c"]
    assert rows[1]["distance_km"] == pytest.approx(150, rel=1e-4)
