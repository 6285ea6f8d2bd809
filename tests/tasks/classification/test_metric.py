"""Accuracy in named cases, and over several processes."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from backbone.errors import InputError
from tasks.classification.metric import ClassificationMetric
from tasks.classification.records import top_records
from tasks.common.data.labels import LabelMap, check_classes
from tasks.common.data.photos import Photos

NAMES = tuple("abcdefgh")
LABELS = LabelMap(NAMES, tuple(range(10, 18)))
TRUTH = [0, 1, 2, 2]


def photos(label_map: LabelMap = LABELS) -> Photos:
    names = np.array([f"{number}.jpg".encode() for number in range(len(TRUTH))])
    return Photos(Path("photos"), names, np.array(TRUTH), label_map)


def likeliest(*order: list[int]) -> Tensor:
    """Probabilities that rank the classes of each photo like this, the rest after them."""
    rows = torch.zeros(len(order), len(NAMES))
    for row, classes in zip(rows, order, strict=True):
        row[classes] = torch.linspace(1, 0.5, len(classes))
    return rows


def metric_of(*order: list[int], network: LabelMap = LABELS) -> ClassificationMetric:
    metric = ClassificationMetric(photos(), network=network)
    metric.update(top_records(likeliest(*order), torch.arange(len(order))))
    return metric


def test_perfect() -> None:
    assert set(metric_of([0], [1], [2], [2]).compute().values()) == {1.0}


def test_by_hand() -> None:
    # right; second; sixth; fifth
    metric = metric_of([0], [0, 1], [0, 1, 3, 4, 5, 2], [0, 1, 3, 4, 2])
    assert metric.compute() == pytest.approx(
        {
            "accuracy": 0.25,
            "accuracy_top5": 0.75,
            "balanced_accuracy": 1 / 3,
            "macro_recall": 1 / 3,
            "macro_precision": 0.25 / 3,
            "macro_f1": 0.4 / 3,
        }
    )
    assert [row[:4] for row in metric.by_class()] == [
        ("a", 1, 1, 4),
        ("b", 1, 0, 0),
        ("c", 2, 0, 0),
    ]
    assert [tuple(row) for row in metric.confusions()] == [("c", "a", 2), ("b", "a", 1)]


def test_photos_that_were_not_seen_do_not_count() -> None:
    assert metric_of([0], [0]).compute()["accuracy"] == 0.5
    assert set(metric_of().compute().values()) == {0.0}


def test_a_photo_seen_twice_counts_once() -> None:
    metric = metric_of([0], [1], [0], [0])
    metric.update(top_records(likeliest([0], [1]), torch.tensor([0, 1])))
    assert metric.compute()["accuracy"] == 0.5


def test_processes_gather_their_rows() -> None:
    """Two of them, of which each has seen half of the photos, and both have seen the second."""
    shares = [ClassificationMetric(photos(), network=LABELS) for _ in range(2)]
    everything = likeliest([0], [1], [0], [2])
    for metric, ids in zip(shares, ([0, 1], [1, 2, 3]), strict=True):
        metric.update(top_records(everything[ids], torch.tensor(ids)))
    for name, reduce in shares[0]._reductions.items():
        both = torch.stack([getattr(metric, name) for metric in shares])
        setattr(shares[0], name, reduce(both))
    assert shares[0].compute()["accuracy"] == 0.75


def test_the_networks_own_order_and_unknown_classes() -> None:
    network = LabelMap(("c", "b", "z"), (5, 6, 7))
    metric = ClassificationMetric(photos(), network=network)
    probabilities = likeliest([2], [1], [0], [0])[:, :3]
    metric.update(top_records(probabilities, torch.arange(4)))
    assert metric.compute()["accuracy"] == 0.75
    assert [tuple(row) for row in metric.confusions()] == [("a", "z", 1)]


def test_no_class_in_common_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InputError, match="None of the data set's classes"):
        check_classes(LabelMap(("x",), (0,)), LABELS)
    check_classes(LabelMap(("a", "b"), (0, 1)), LabelMap(("a", "q"), (0, 1)))
    assert "q" in caplog.text


def test_what_is_written_can_be_checked(tmp_path: Path) -> None:
    metric = metric_of([0], [0], [2], [2])
    metric.compute()
    metric.save(tmp_path)
    rows = json.loads((tmp_path / "predictions.json").read_text())
    right = [row["classes"][0]["name"] == row["class"] for row in rows]
    assert right == [True, False, True, True]
    assert len(rows[0]["classes"]) == 5 and rows[0]["classes"][0]["id"] == 10
    with (tmp_path / "classes.csv").open() as file:
        assert sum(int(row["right"]) for row in csv.DictReader(file)) == 3
