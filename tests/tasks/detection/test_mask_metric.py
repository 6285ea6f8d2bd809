"""COCO's metric over masks, against pycocotools used by itself."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from tasks.detection.annotations.arrays import Annotations
from tasks.detection.layouts.coco import read_coco
from tasks.detection.metric import CocoMetric
from tasks.detection.records import DetectionRecords, truth_records
from tasks.detection.scoring.average_precision import NAMES
from tasks.detection.scoring.masks import rles_to_tensors
from tests.tasks.detection import test_metric as boxes
from tests.tasks.detection.test_metric import CATEGORIES, IMAGE_IDS, Row, each_evaluator
from tests.tasks.detection.test_scoring import as_two_processes

SIDE = 640


def ellipse(box: list[float]) -> dict[str, Any]:
    """A mask in a box, as COCO compresses it."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    x, y, width, height = box
    cv2.ellipse(canvas, ((x + width / 2, y + height / 2), (width, height), 0), 1, -1)
    rle = coco_mask.encode(np.asfortranarray(canvas))
    return rle | {"counts": rle["counts"].decode()}


def polygon(box: list[float]) -> list[list[float]]:
    x, y, width, height = box
    return [[x, y, x + width, y, x + width / 3, y + height], [x, y, x + 9, y, x, y + 9]]


def truth(seed: int) -> dict[str, list[Row]]:
    """Polygons and, of crowds and every third object, runs of pixels."""
    data = boxes.truth(seed)
    for number, row in enumerate(data["annotations"]):
        shape = ellipse if row["iscrowd"] or number % 3 == 0 else polygon
        row["segmentation"] = shape(row["bbox"])
    return data


def detections(data: dict[str, list[Row]], seed: int) -> list[Row]:
    """Masks more or less in place, and one without a pixel."""
    rows = boxes.detections(data, seed)
    for row in rows:
        row["segmentation"] = ellipse(row["bbox"])
    empty = coco_mask.encode(np.zeros((SIDE, SIDE), np.uint8, order="F"))
    rows[0]["segmentation"] = empty | {"counts": empty["counts"].decode()}
    return rows


def read(folder: Path, data: dict[str, list[Row]]) -> Annotations:
    (folder / "truth.json").write_text(json.dumps(data))
    return read_coco(folder / "truth.json", folder, masks=True)


def records(annotations: Annotations, results: list[Row], images: list[int]) -> DetectionRecords:
    rles = [
        row["segmentation"] | {"counts": row["segmentation"]["counts"].encode()} for row in results
    ]
    return boxes.records(annotations, results, images)._replace(**rles_to_tensors(rles))


def without_boxes(results: list[Row]) -> list[Row]:
    """As pycocotools wants them: given a box, it would take the object's area from that."""
    return [{key: row[key] for key in row.keys() - {"bbox"}} for row in results]


@each_evaluator
@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_pycocotools(tmp_path: Path, reference: bool, seed: int) -> None:
    data = truth(seed)
    annotations, results = read(tmp_path, data), detections(data, seed)
    metric = CocoMetric(annotations, reference=reference)
    for start in range(0, len(IMAGE_IDS), 2):
        some = list(IMAGE_IDS[start : start + 2])
        batch = [row for row in results if row["image_id"] in some]
        metric.update(records(annotations, batch, some))
    found = metric.compute()

    images = list(IMAGE_IDS)
    for kind, prefix in (("bbox", ""), ("segm", "segm_")):
        given = without_boxes(results) if prefix else results
        expected = boxes.plain_pycocotools(tmp_path, given, images, kind=kind)
        assert 0.05 < expected.stats[0] < 0.9
        for number, name in enumerate(NAMES):
            assert found[prefix + name] == pytest.approx(expected.stats[number], abs=1e-6)
    for category, name in CATEGORIES.items():
        expected = boxes.plain_pycocotools(
            tmp_path, without_boxes(results), images, categories=[category], kind="segm"
        )
        assert found[f"segm_map/{name}"] == pytest.approx(expected.stats[0], abs=1e-6)
        assert found[f"segm_map_50/{name}"] == pytest.approx(expected.stats[1], abs=1e-6)


@each_evaluator
def test_the_truth_scores_one_against_itself(tmp_path: Path, reference: bool) -> None:
    annotations = read(tmp_path, truth(0))
    metric = CocoMetric(annotations, reference=reference)
    metric.update(truth_records(annotations))
    found = metric.compute()
    assert (found["map"], found["segm_map"], found["segm_map_75"]) == pytest.approx((1, 1, 1))


@each_evaluator
def test_a_good_box_does_not_make_a_good_mask(tmp_path: Path, reference: bool) -> None:
    data = truth(0)
    row = {"image_id": 40, "category_id": 61, "bbox": [100, 100, 100, 100]}
    square = [[100, 100, 200, 100, 200, 200, 100, 200]]
    data["annotations"] = [row | {"id": 3, "area": 10000, "iscrowd": 0, "segmentation": square}]
    annotations = read(tmp_path, data)
    metric = CocoMetric(annotations, reference=reference)
    # 0.7 of the square, so that 4 of the 10 thresholds from 0.5 on (to 0.65) are surely reached
    part = ellipse([100, 100, 100, 89])
    iou = coco_mask.area(part) / 10000
    found = row | {"score": 0.9, "segmentation": part}
    metric.update(records(annotations, [found], list(IMAGE_IDS)))
    figures = metric.compute()
    assert 0.68 < iou < 0.72
    assert (figures["map"], figures["segm_map_50"]) == pytest.approx((1, 1))
    assert figures["segm_map_75"] == 0
    expected = sum(iou >= threshold for threshold in np.linspace(0.5, 0.95, 10)) / 10
    assert figures["segm_map"] == pytest.approx(expected)
    assert figures["segm_map_small"] == -1


@each_evaluator
def test_nothing_found_scores_zero(tmp_path: Path, reference: bool) -> None:
    annotations = read(tmp_path, truth(0))
    metric = CocoMetric(annotations, reference=reference)
    metric.update(records(annotations, [], list(IMAGE_IDS)))
    found = metric.compute()
    assert found["map"] == found["segm_map"] == found["segm_map/car"] == 0
    assert found["segm_map/unseen"] == -1


@each_evaluator
def test_the_saved_file_scores_the_same(tmp_path: Path, reference: bool) -> None:
    data = truth(0)
    annotations, results = read(tmp_path, data), detections(data, 0)
    metric = CocoMetric(annotations, reference=reference)
    metric.update(records(annotations, results, list(IMAGE_IDS)))
    found = metric.compute()
    metric.save(tmp_path)
    saved = json.loads((tmp_path / "predictions.json").read_text())
    keys = {"image_id", "category_id", "bbox", "score", "segmentation"}
    assert all(row.keys() == keys for row in saved)
    expected = boxes.plain_pycocotools(tmp_path, without_boxes(saved), list(IMAGE_IDS), kind="segm")
    assert found["segm_map"] == pytest.approx(expected.stats[0], abs=1e-6)


@pytest.mark.filterwarnings("ignore:.*was called before the ``update`` method")
@pytest.mark.parametrize("shares", [(6, 0), (4, 2), (0, 6)], ids=str)
def test_processes_score_together(tmp_path: Path, shares: tuple[int, int]) -> None:
    data = truth(0)
    annotations, results = read(tmp_path, data), detections(data, 0)
    whole, *parts = (CocoMetric(annotations) for _ in range(3))
    whole.update(records(annotations, results, list(IMAGE_IDS)))
    halves = IMAGE_IDS[: shares[0]], IMAGE_IDS[shares[0] :]
    for metric, images in zip(parts, halves, strict=True):
        for image in images:
            batch = [row for row in results if row["image_id"] == image]
            metric.update(records(annotations, batch, [image]))
    assert as_two_processes(*parts).compute() == pytest.approx(whole.compute())


def test_masks_take_little_memory(tmp_path: Path) -> None:
    data = truth(0)
    annotations, results = read(tmp_path, data), detections(data, 0)
    batch = records(annotations, results, list(IMAGE_IDS))
    assert batch.masks.dtype == torch.uint8
    assert len(batch.masks) < 500 * len(results)  # bytes
