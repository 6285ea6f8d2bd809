"""COCO's metric against pycocotools used by itself, on the data set's own files."""

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.layouts.coco import read_coco
from tasks.detection.metric import CocoMetric
from tasks.detection.records import DetectionRecords
from tasks.detection.scoring.average_precision import NAMES

IMAGE_IDS = (139, 7, 1000001, 40, 0, 285)
CATEGORIES = {90: "toothbrush", 3: "car", 12: "unseen", 1: "person", 61: "cake"}
SEEN = (90, 3, 1, 61)
each_evaluator = pytest.mark.parametrize("reference", [True, False], ids=["pycocotools", "faster"])
Row = dict[str, Any]


def truth(seed: int, *, per_image: int = 6) -> dict[str, list[Row]]:
    """Boxes of all sizes, a fifth of them crowds; the last image has none."""
    rng = np.random.default_rng(seed)
    annotations = []
    for image in IMAGE_IDS[:-1]:
        for _ in range(per_image):
            (x, y), (width, height) = rng.uniform(0, 400, 2), rng.uniform(5, 200, 2)
            annotations.append({
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": int(rng.choice(SEEN)),
                "bbox": [x, y, width, height],
                "area": width * height * rng.uniform(0.3, 1),  # of the object, not of its box
                "iscrowd": int(rng.random() < 0.2),
            })  # fmt: skip
    images = [
        {"id": image, "file_name": f"{image}.jpg", "width": 640, "height": 640}
        for image in IMAGE_IDS
    ]
    categories = [{"id": number, "name": name} for number, name in CATEGORIES.items()]
    return {"images": images, "annotations": annotations, "categories": categories}


def detections(data: dict[str, list[Row]], seed: int, *, num_random: int = 30) -> list[Row]:
    """Objects found more or less, missed, doubled, and things that are not there."""
    rng = np.random.default_rng(seed)
    rows = []
    for row in data["annotations"]:
        for _ in range(rng.integers(0, 3)):
            moved = np.array(row["bbox"]) + rng.normal(0, 6, 4)
            rows.append((row["image_id"], row["category_id"], [*moved[:2], *moved[2:].clip(1)]))
    for _ in range(num_random):
        box = [*rng.uniform(0, 400, 2), *rng.uniform(5, 200, 2)]
        rows.append((int(rng.choice(IMAGE_IDS)), int(rng.choice(list(CATEGORIES))), box))
    return [
        {"image_id": image, "category_id": category, "bbox": box, "score": rng.random()}
        for image, category, box in rows
    ]


def plain_pycocotools(
    folder: Path,
    results: list[Row],
    images: list[int],
    categories: list[int] | None = None,
    kind: str = "bbox",
) -> COCOeval:
    (folder / "results.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        ground_truth = COCO(str(folder / "truth.json"))
        found = ground_truth.loadRes(str(folder / "results.json"))
        evaluation = COCOeval(ground_truth, found, kind)
        evaluation.params.imgIds = images
        evaluation.params.catIds = categories or sorted(CATEGORIES)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def read(folder: Path, data: dict[str, list[Row]]) -> Annotations:
    (folder / "truth.json").write_text(json.dumps(data))
    return read_coco(folder / "truth.json", folder)


def records(annotations: Annotations, results: list[Row], images: list[int]) -> DetectionRecords:
    index = {int(image): number for number, image in enumerate(annotations.image_ids)}
    boxes = torch.tensor([row["bbox"] for row in results], dtype=torch.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return DetectionRecords(
        images=torch.tensor([index[image] for image in images], dtype=torch.long),
        image=torch.tensor([index[row["image_id"]] for row in results], dtype=torch.long),
        boxes_original=boxes,
        scores=torch.tensor([row["score"] for row in results], dtype=torch.float64),
        category_ids=torch.tensor([row["category_id"] for row in results], dtype=torch.long),
    )


def batches(
    annotations: Annotations, results: list[Row], images: list[int]
) -> list[DetectionRecords]:
    """Two images each, as they come while validating."""
    return [
        records(annotations, [row for row in results if row["image_id"] in some], some)
        for some in (images[start : start + 2] for start in range(0, len(images), 2))
    ]


@each_evaluator
@pytest.mark.parametrize("num_images", [6, 4], ids=["all images", "some images"])
@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_pycocotools(
    tmp_path: Path, reference: bool, seed: int, num_images: int
) -> None:
    data = truth(seed)
    annotations, images = read(tmp_path, data), list(IMAGE_IDS[:num_images])
    results = [row for row in detections(data, seed) if row["image_id"] in images]
    metric = CocoMetric(annotations, reference=reference)
    for batch in batches(annotations, results, images):
        metric.update(batch)
    found = metric.compute()

    expected = plain_pycocotools(tmp_path, results, images)
    assert 0.1 < expected.stats[0] < 0.9
    for number, name in enumerate(NAMES):
        assert found[name] == pytest.approx(expected.stats[number], abs=1e-6)
    for category, name in CATEGORIES.items():
        evaluation = plain_pycocotools(tmp_path, results, images, categories=[category])
        assert found[f"map/{name}"] == pytest.approx(evaluation.stats[0], abs=1e-6)
        assert found[f"map_50/{name}"] == pytest.approx(evaluation.stats[1], abs=1e-6)
    assert len(found) == len(NAMES) + 2 * len(CATEGORIES)


@each_evaluator
def test_the_curves_that_are_drawn_have_the_areas_of_the_figures(
    tmp_path: Path, reference: bool
) -> None:
    data = truth(1)
    annotations = read(tmp_path, data)
    metric = CocoMetric(annotations, reference=reference)
    for batch in batches(annotations, detections(data, 1), list(IMAGE_IDS)):
        metric.update(batch)
    found = metric.compute()
    curves = metric.precision_recall()
    assert {curve.name for curve in curves} == {CATEGORIES[number] for number in SEEN}
    for curve in curves:
        assert curve.area == pytest.approx(found[f"map_50/{curve.name}"], abs=1e-6)
        assert curve.at(curve.recall) == pytest.approx(curve.precision)
        f1, score = curve.best_f1()
        assert 0 < f1 <= 1 and 0 < score < 1
    assert np.mean([curve.area for curve in curves]) == pytest.approx(found["map_50"], abs=1e-6)


@each_evaluator
def test_nothing_found_scores_zero(tmp_path: Path, reference: bool) -> None:
    annotations = read(tmp_path, truth(0))
    metric = CocoMetric(annotations, reference=reference)
    metric.update(records(annotations, [], list(IMAGE_IDS)))
    found = metric.compute()
    assert found["map"] == found["map_50"] == found["map/car"] == 0
    assert found["map/unseen"] == -1  # nothing to find
    assert [curve.best_f1()[0] for curve in metric.precision_recall()] == [0] * len(SEEN)
    metric.save(tmp_path)
    assert json.loads((tmp_path / "predictions.json").read_text()) == []


@each_evaluator
def test_no_objects_at_all(tmp_path: Path, reference: bool) -> None:
    data = truth(0) | {"annotations": []}
    annotations = read(tmp_path, data)
    metric = CocoMetric(annotations, reference=reference)
    metric.update(records(annotations, detections(data, 0), list(IMAGE_IDS)))
    assert set(metric.compute().values()) == {-1}
    assert metric.precision_recall() == []


@each_evaluator
@pytest.mark.parametrize(
    ("box", "map_50", "map_75"),
    [([10, 10, 100, 100], 1, 1), ([10, 10, 100, 70], 1, 0), ([10, 10, 100, 40], 0, 0)],
)
def test_one_box_by_hand(
    tmp_path: Path, reference: bool, box: list[int], map_50: float, map_75: float
) -> None:
    data = truth(0)
    row = {"image_id": 40, "category_id": 61, "bbox": [10, 10, 100, 100]}
    data["annotations"] = [row | {"id": 3, "area": 9000, "iscrowd": 0}]
    annotations = read(tmp_path, data)
    metric = CocoMetric(annotations, reference=reference)
    metric.update(records(annotations, [row | {"bbox": box, "score": 0.3}], list(IMAGE_IDS)))
    found = metric.compute()
    assert (found["map_50"], found["map_75"]) == pytest.approx((map_50, map_75))
    assert (found["map_small"], found["map_medium"]) == (-1, found["map"])  # by its area


@each_evaluator
@pytest.mark.parametrize(("key", "value"), [("category_ids", 2), ("category_ids", 0), ("image", 6)])
def test_foreign_ids_are_refused(tmp_path: Path, reference: bool, key: str, value: int) -> None:
    data = truth(0)
    annotations = read(tmp_path, data)
    good = records(annotations, detections(data, 0), list(IMAGE_IDS))
    column: Tensor = getattr(good, key).clone()
    column[0] = value
    metric = CocoMetric(annotations, reference=reference)
    metric.update(good._replace(**{key: column}))
    with pytest.raises(InputError, match=rf"not in the ground truth: {value}"):
        metric.compute()


@each_evaluator
def test_the_saved_file_scores_the_same(tmp_path: Path, reference: bool) -> None:
    data = truth(0)
    annotations, results = read(tmp_path, data), detections(data, 0)
    metric = CocoMetric(annotations, reference=reference)
    metric.update(records(annotations, results, list(IMAGE_IDS)))
    found = metric.compute()
    metric.save(tmp_path)
    saved = json.loads((tmp_path / "predictions.json").read_text())
    assert all(row.keys() == {"image_id", "category_id", "bbox", "score"} for row in saved)
    expected = plain_pycocotools(tmp_path, saved, list(IMAGE_IDS)).stats[0]
    assert found["map"] == pytest.approx(expected, abs=1e-6)


@each_evaluator
def test_classes_out_of_order_keep_their_figures(tmp_path: Path, reference: bool) -> None:
    data = truth(0)
    annotations, results = read(tmp_path, data), detections(data, 0)
    figures = []
    for order in (range(5), (3, 1, 4, 0, 2)):
        label_map = annotations.label_map
        shuffled = LabelMap(
            tuple(label_map.names[i] for i in order), tuple(label_map.ids[i] for i in order)
        )
        classes = np.argsort(order)[annotations.classes]
        renumbered = replace(annotations, label_map=shuffled, classes=classes)
        metric = CocoMetric(renumbered, reference=reference)
        metric.update(records(annotations, results, list(IMAGE_IDS)))
        figures.append(metric.compute())
    assert figures[1] == pytest.approx(figures[0])
