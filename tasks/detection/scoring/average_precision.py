"""COCO's average precision, by either of its evaluators."""

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import faster_coco_eval
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from backbone.errors import InputError
from tasks.common.charts.precision_recall import PrecisionRecall

# Of each figure, where evaluators have it: the place of its IoU, if it is of one, and of its sizes.
NAMES: dict[str, tuple[int | None, int]] = {
    "map": (None, 0),
    "map_50": (0, 0),
    "map_75": (5, 0),
    "map_small": (None, 1),
    "map_medium": (None, 2),
    "map_large": (None, 3),
}
# What overlaps, as the evaluators call it, and what its figures' names begin with.
BOXES, MASKS = ("bbox", ""), ("segm", "segm_")


def score(
    truth: dict[str, Any],
    results: list[dict[str, Any]],
    *,
    images: np.ndarray,
    reference: bool,
    max_detections: int,
    kind: tuple[str, str] = BOXES,
) -> dict[str, float]:
    """Average precision of COCO results against a COCO dictionary.

    Args:
        truth: With ``images``, ``categories`` and ``annotations``.
        results: With ``image_id``, ``category_id``, ``score``, ``bbox`` and maybe ``segmentation``.
        images: Ids of the images that count.
        reference: Use pycocotools instead of faster-coco-eval.
        max_detections: Of an image, the surest, that count: 100 in COCO's own figures.
        kind: ``BOXES`` or ``MASKS``.

    Returns:
        See ``CocoMetric.compute``.

    Raises:
        InputError: If a result names an image or category that is not in ``truth``.
    """
    _check_ids(truth, results)
    overlap, prefix = kind
    evaluation = _evaluator(truth, results, images=images, reference=reference, overlap=overlap)
    _count(evaluation, max_detections)
    # thresholds, recalls, classes, areas, limits -> thresholds, recalls, classes, areas
    precision = evaluation.eval["precision"][..., -1]
    # not by their summarize(), whose first figure is of 100 detections and no other number
    values = {
        prefix + name: _mean(precision[slice(None) if iou is None else iou, :, :, size])
        for name, (iou, size) in NAMES.items()
    }
    precision = precision[..., 0]
    by_id = sorted(truth["categories"], key=lambda row: row["id"])  # as evaluators order them
    for index, category in enumerate(by_id):
        values[f"{prefix}map/{category['name']}"] = _mean(precision[:, :, index])
        values[f"{prefix}map_50/{category['name']}"] = _mean(precision[0, :, index])
    return values


def precision_recall(
    truth: dict[str, Any],
    results: list[dict[str, Any]],
    *,
    images: np.ndarray,
    max_detections: int,
    kind: tuple[str, str] = BOXES,
) -> list[PrecisionRecall]:
    """The curve of each class that has objects, at an IoU of 0.5.

    Args:
        truth: As ``score`` takes it, and so the others.
        results: Of the same.
        images: That count.
        max_detections: As ``score`` takes it.
        kind: ``BOXES`` or ``MASKS``.
    """
    # the one that keeps the scores, at one of its thresholds and one of its sizes
    evaluation = _evaluator(truth, results, images=images, reference=True, overlap=kind[0])
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    _count(evaluation, max_detections)
    precision, scores = (evaluation.eval[name][0, :, :, 0, -1] for name in ("precision", "scores"))
    by_id = sorted(truth["categories"], key=lambda row: row["id"])
    return [
        PrecisionRecall(
            category["name"],
            evaluation.params.recThrs,
            precision[:, index],
            scores[:, index],
            float(precision[:, index].mean()),
        )
        for index, category in enumerate(by_id)
        if precision[0, index] > -1
    ]


def _evaluator(
    truth: dict[str, Any],
    results: list[dict[str, Any]],
    *,
    images: np.ndarray,
    reference: bool,
    overlap: str,
) -> Any:
    """An evaluator of either library, ready to run."""
    # evaluators take an object's area from its box where it has one
    other = {"bbox"} if overlap == MASKS[0] else {"segmentation"}
    dataset, evaluator = (
        (COCO, COCOeval)
        if reference
        else (
            faster_coco_eval.COCO,
            faster_coco_eval.COCOeval_faster,
        )
    )
    with contextlib.redirect_stdout(io.StringIO()):  # they print what they do
        ground_truth = dataset()
        ground_truth.dataset = truth
        ground_truth.createIndex()
        # both evaluators fail on an empty list of results
        # copies, since loading adds columns to the rows
        rows = [{key: row[key] for key in row.keys() - other} for row in results]
        detections = ground_truth.loadRes(rows) if rows else dataset()
        evaluation = evaluator(ground_truth, detections, iouType=overlap)
        evaluation.params.imgIds = images.tolist()
    return evaluation


def _count(evaluation: Any, max_detections: int) -> None:
    evaluation.params.maxDets = [max_detections]
    with contextlib.redirect_stdout(io.StringIO()):  # they print what they do
        evaluation.evaluate()
        evaluation.accumulate()


def _mean(precision: np.ndarray) -> float:
    measured = precision[precision > -1]
    return float(measured.mean()) if measured.size else -1.0


def _check_ids(truth: Mapping[str, Any], results: list[dict[str, Any]]) -> None:
    for key, section in (("image_id", "images"), ("category_id", "categories")):
        known = {row["id"] for row in truth[section]}
        foreign = sorted({row[key] for row in results} - known)
        if foreign:
            raise InputError(
                f"{len(foreign)} {key}s of the predictions are not in the ground truth: "
                f"{', '.join(map(str, foreign[:5]))}"
            )
