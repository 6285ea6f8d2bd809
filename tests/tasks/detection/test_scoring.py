"""Scoring as a task does it: checked beforehand, over processes, for the classes of the data."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.metric import CocoMetric
from tasks.detection.task import category_ids, check_scoring, class_table
from tests.tasks.detection.test_metric import IMAGE_IDS, batches, detections, read, records, truth


@pytest.mark.parametrize("reference", [False, True], ids=["faster", "pycocotools"])
@pytest.mark.parametrize("seed", range(3))
def test_good_truth_scores_one_against_itself(tmp_path: Path, reference: bool, seed: int) -> None:
    check_scoring(CocoMetric(read(tmp_path, truth(seed)), reference=reference))


def contradict(annotations: Annotations, what: str) -> Annotations:
    boxes, areas = annotations.boxes.copy(), annotations.areas.copy()
    if what == "boxes without area":
        boxes[:, 2] = boxes[:, 0]
    elif what == "boxes inside out":
        boxes = boxes[:, [2, 3, 0, 1]]
    elif what == "boxes that are not numbers":
        boxes[::2] = np.nan
    else:
        areas[:] = 1e12
    return replace(annotations, boxes=boxes, areas=areas)


@pytest.mark.parametrize(
    "what",
    ["boxes without area", "boxes inside out", "boxes that are not numbers", "areas like no image"],
)
def test_truth_that_contradicts_itself_is_refused(tmp_path: Path, what: str) -> None:
    annotations = contradict(read(tmp_path, truth(0)), what)
    with pytest.raises(InputError, match="against itself"):
        check_scoring(CocoMetric(annotations))


def test_a_split_without_objects_is_said_to_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    annotations = read(tmp_path, truth(0) | {"annotations": []})
    check_scoring(CocoMetric(annotations))
    assert "has no objects" in caplog.text


def test_crowded_photos_lower_what_can_be_reached(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check_scoring(CocoMetric(read(tmp_path, truth(0, per_image=150))))
    assert "5 validation photos have more than 100 objects" in caplog.text


@pytest.mark.parametrize("reference", [True, False])
def test_the_limit_of_detections_is_a_setting(
    reference: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    annotations = read(tmp_path, truth(0, per_image=150))
    check_scoring(CocoMetric(annotations, reference=reference, max_detections=150))
    assert not caplog.text
    check_scoring(CocoMetric(annotations, reference=reference))
    assert "Raise task.max_detections and head.max_detections to 150" in caplog.text


def test_many_classes_without_objects_have_no_line_each() -> None:
    names = [f"class {number}" for number in range(30)]
    figures = {"map": 0.5, "map_50": 0.7}
    figures |= {f"{figure}/{name}": -1.0 for figure in ("map", "map_50") for name in names}
    figures |= {"map/class 3": 0.5, "map_50/class 3": 0.7}
    lines = class_table(figures, names)
    assert [line.split("  ")[1] for line in lines[1:-1]] == ["class 3", "all"]
    assert lines[-1] == "  29 other classes have no objects here"


def as_two_processes(metric: CocoMetric, other: CocoMetric) -> CocoMetric:
    """``metric`` gathers its own states and ``other``'s, as torchmetrics does over processes."""
    names = iter(metric._reductions)

    def gather(state: Tensor, group: Any = None) -> list[Tensor]:
        theirs: list[Tensor] = getattr(other, next(names))
        return [state, torch.cat([state[:0], *theirs])]

    metric.distributed_available_fn = lambda: True
    metric.dist_sync_fn = gather
    return metric


@pytest.mark.filterwarnings("ignore:.*was called before the ``update`` method")
@pytest.mark.parametrize("shares", [(6, 0), (4, 2), (3, 3), (0, 6)], ids=str)
def test_processes_score_together(tmp_path: Path, shares: tuple[int, int]) -> None:
    data = truth(0)
    annotations, results = read(tmp_path, data), detections(data, 0)
    whole, *parts = (CocoMetric(annotations) for _ in range(3))
    whole.update(records(annotations, results, list(IMAGE_IDS)))
    halves = IMAGE_IDS[: shares[0]], IMAGE_IDS[shares[0] :]
    for metric, images in zip(parts, halves, strict=True):
        for batch in batches(annotations, results, list(images)):
            metric.update(batch)
    found = as_two_processes(*parts).compute()
    assert found == pytest.approx(whole.compute())


def test_each_process_checks_the_whole_truth_by_itself(tmp_path: Path) -> None:
    annotations = read(tmp_path, truth(0))
    metric, other = CocoMetric(annotations, alone=True), CocoMetric(annotations)
    images = list(IMAGE_IDS)
    objects = [row | {"score": 1.0} for row in truth(0)["annotations"] if not row["iscrowd"]]
    other.update(records(annotations, objects, images))
    check_scoring(as_two_processes(metric, other))


def test_classes_are_matched_by_name(caplog: pytest.LogCaptureFixture) -> None:
    network = LabelMap(("cup", "owl", "hat"), (1, 2, 3))
    with caplog.at_level(logging.WARNING):
        assert category_ids(network, LabelMap(("hat", "cup"), (90, 0))) == [0, -1, 90]
    assert not caplog.text
    assert category_ids(network, LabelMap(("pen", "owl"), (5, 6))) == [-1, 6, -1]
    assert "score 0: pen" in caplog.text
    with pytest.raises(InputError, match=r"None of the data set's classes \(pen"):
        category_ids(network, LabelMap(("pen",), (5,)))
