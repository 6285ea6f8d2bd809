"""COCO's average precision."""

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import faster_coco_eval
import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor
from torchmetrics import Metric

from backbone.errors import InputError
from backbone.weights import replacing
from tasks.detection.annotations import Annotations

MAX_DETECTIONS = 100  # an image, COCO's limit
NAMES = ("map", "map_50", "map_75", "map_small", "map_medium", "map_large")


class Records(NamedTuple):
    """Detections in the data set's own terms, one row each.

    Attributes:
        images: Index of the photo in its split, of every photo that was looked at, ``(B,)``.
        image: The photo of each detection, ``(N,)``.
        boxes_original: ``xyxy`` pixels of the original photo, ``(N, 4)``.
        scores: ``(N,)``.
        category_ids: The data set's own, ``(N,)``.
    """

    images: Tensor
    image: Tensor
    boxes_original: Tensor
    scores: Tensor
    category_ids: Tensor


NOTHING = Records(
    images=torch.zeros(0, dtype=torch.long),
    image=torch.zeros(0, dtype=torch.long),
    boxes_original=torch.zeros(0, 4, dtype=torch.float64),
    scores=torch.zeros(0, dtype=torch.float64),
    category_ids=torch.zeros(0, dtype=torch.long),
)


class CocoMetric(Metric):
    """Average precision by COCO's protocol, over all processes.

    Args:
        annotations: The ground truth; crowd boxes are ignored, as COCO does.
        reference: Score with pycocotools, as figures are reported, instead of its several times
            faster equal.
        alone: Score what this process has seen, without the others.
    """

    full_state_update = False
    higher_is_better = True

    def __init__(
        self, annotations: Annotations, *, reference: bool = False, alone: bool = False
    ) -> None:
        super().__init__(sync_on_compute=not alone)
        self.annotations = annotations
        self.reference = reference
        self.results: list[dict[str, Any]] = []
        self._truth: dict[str, Any] | None = None
        # lists of a tensor a batch, since only lists gather when processes saw differently much
        for name in Records._fields:
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, records: Records) -> None:
        """Adds the detections of a batch."""
        for name, values in records._asdict().items():
            wide = values.double() if values.is_floating_point() else values
            getattr(self, name).append(wide)

    def _sync_dist(self, *args: Any, **kwargs: Any) -> None:
        for name, values in self._seen()._asdict().items():
            setattr(self, name, [values])  # a process without any photo must gather as well
        super()._sync_dist(*args, **kwargs)

    def _seen(self) -> Records:
        """All batches so far as one."""
        columns = []
        for name, empty in NOTHING._asdict().items():
            values = getattr(self, name)  # a list of tensors, or one tensor when it was gathered
            batches = [values] if isinstance(values, Tensor) else values
            columns.append(torch.cat([empty.to(self.device), *batches]))
        return Records(*columns)

    def compute(self) -> dict[str, float]:
        """``map``, ``map_50``, ``map_75``, by size, and by class as ``map/NAME``, ``map_50/NAME``.

        -1 where there is nothing to find, as COCO has it.
        """
        self.results = self._coco_results()
        images = self._seen().images.cpu().numpy()
        return score(self.truth(), self.results, images=images, reference=self.reference)

    def truth(self) -> dict[str, Any]:
        """The ground truth as COCO's evaluators want it; images are numbered by index."""
        if self._truth is None:
            self._truth = coco_dictionary(self.annotations)
        return self._truth

    def _coco_results(self) -> list[dict[str, Any]]:
        seen = self._seen()
        boxes = seen.boxes_original.clone()
        boxes[:, 2:] -= boxes[:, :2]
        order = seen.image.argsort(stable=True)  # the same for any number of processes
        columns = (x[order] for x in (seen.image, seen.category_ids, boxes, seen.scores))
        keys = ("image_id", "category_id", "bbox", "score")
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [dict(zip(keys, row, strict=True)) for row in rows]

    def save(self, path: Path) -> None:
        """Writes the last computed results as a COCO result file with the data set's image ids."""
        ids = self.annotations.image_ids
        results = [row | {"image_id": int(ids[row["image_id"]])} for row in self.results]
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(results))


def coco_dictionary(annotations: Annotations) -> dict[str, Any]:
    """Annotations as a COCO dictionary; ``image_id`` is the index, annotation ids start at 1."""
    widths_heights = annotations.sizes.tolist()
    boxes = annotations.boxes.copy()
    boxes[:, 2:] -= boxes[:, :2]
    ids = annotations.label_map.ids
    columns = zip(
        annotations.image_of_row().tolist(),
        annotations.classes.tolist(),
        boxes.tolist(),
        annotations.areas.tolist(),
        annotations.crowd.tolist(),
        strict=True,
    )
    return {
        "images": [
            {"id": index, "width": width, "height": height}
            for index, (width, height) in enumerate(widths_heights)
        ],
        "categories": [
            {"id": category, "name": name}
            for category, name in zip(ids, annotations.label_map.names, strict=True)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": ids[label],
                "bbox": box,
                "area": area,
                "iscrowd": int(crowd),
            }
            for number, (image, label, box, area, crowd) in enumerate(columns, start=1)
        ],
    }


def score(
    truth: dict[str, Any],
    results: list[dict[str, Any]],
    *,
    images: np.ndarray,
    reference: bool,
) -> dict[str, float]:
    """Average precision of COCO results against a COCO dictionary.

    Args:
        truth: With ``images``, ``categories`` and ``annotations``.
        results: With ``image_id``, ``category_id``, ``bbox`` and ``score``.
        images: Ids of the images that count.
        reference: Use pycocotools instead of faster-coco-eval.

    Returns:
        See ``CocoMetric.compute``.

    Raises:
        InputError: If a result names an image or category that is not in ``truth``.
    """
    _check_ids(truth, results)
    dataset, evaluator = (
        (COCO, COCOeval)
        if reference
        else (
            faster_coco_eval.COCO,
            faster_coco_eval.COCOeval_faster,
        )
    )
    with contextlib.redirect_stdout(io.StringIO()):  # they print tables
        ground_truth = dataset()
        ground_truth.dataset = truth
        ground_truth.createIndex()
        # both evaluators fail on an empty list of results
        # copies, since loading adds columns to the rows
        detections = ground_truth.loadRes([dict(row) for row in results]) if results else dataset()
        evaluation = evaluator(ground_truth, detections, iouType="bbox")
        evaluation.params.imgIds = images.tolist()
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = {name: float(evaluation.stats[i]) for i, name in enumerate(NAMES)}
    # thresholds, recalls, classes, areas, limits -> thresholds, recalls, classes
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    precision = precision.reshape(*precision.shape[:2], -1)
    by_id = sorted(truth["categories"], key=lambda row: row["id"])  # as evaluators order them
    for index, category in enumerate(by_id):
        values[f"map/{category['name']}"] = _mean(precision[:, :, index])
        values[f"map_50/{category['name']}"] = _mean(precision[0, :, index])
    return values


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
