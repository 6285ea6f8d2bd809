"""Object detection: what the shared task leaves open."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pycocotools.mask import area
from torch import Tensor

from backbone.errors import InputError, check_number
from heads.detection.detections import Detections
from heads.detection.detector import DetectionHead
from heads.head import Batch, Head
from tasks.common.data.labels import LabelMap, check_classes
from tasks.common.images.canvas import Canvas
from tasks.common.images.geometry import boxes_to_photo
from tasks.common.report import counted_of
from tasks.common.training.task import Task
from tasks.detection.annotations.class_names import near_matches
from tasks.detection.describing import detection_entries
from tasks.detection.drawing import draw_detections
from tasks.detection.module import DetectionData
from tasks.detection.records import MAX_DETECTIONS, DetectionRecords, truth_records
from tasks.detection.tiles import merged, shares

if TYPE_CHECKING:
    from tasks.detection.metric import CocoMetric

# What is printed of each class, by the name of the figure: two of the boxes, then two of the masks.
COLUMNS = {"map": "AP", "map_50": "AP50", "segm_map": "masks AP", "segm_map_50": "AP50"}
MOST_UNMEASURED = 20  # classes without objects, of which each has a line

logger = logging.getLogger(__name__)


class DetectionTask(Task[DetectionData, "CocoMetric"]):
    """Trains a detector and scores it by COCO's average precision.

    Args:
        max_detections: Of a photo, the surest, that are scored.
        **wiring: See ``Task``.
    """

    head: DetectionHead
    head_type: type[Head] = DetectionHead  # type: ignore[type-abstract]
    monitor = "val/map"
    legend = (
        "The objects that were found, and how sure the network is of each; a colour for each class."
    )

    def __init__(self, *, max_detections: int = MAX_DETECTIONS, **wiring: Any) -> None:
        super().__init__(**wiring)
        check_number("task.max_detections", max_detections, at_least=1, whole=True)
        self.max_detections = max_detections
        self._scored: LabelMap | None = None  # the classes that category_ids are of
        self.register_buffer(
            "category_ids", torch.tensor(self.label_map.ids, dtype=torch.long), persistent=False
        )

    category_ids: Tensor

    def make_metric(self, data: DetectionData) -> "CocoMetric":
        from tasks.detection.metric import CocoMetric  # and torchmetrics with it

        classes = data.val_annotations.label_map
        if classes is not self._scored:  # or its warnings would come with each metric
            # the data may number its classes otherwise than the network's training data did
            self.category_ids = torch.tensor(category_ids(self.label_map, classes)).to(self.device)
            self._scored = classes
        return CocoMetric(
            data.val_annotations,
            reference=self.report_exactly,
            max_detections=self.max_detections,
        )

    def prepare(self, stage: str, data: DetectionData) -> None:
        super().prepare(stage, data)
        if stage == "fit":
            check_scoring(self.measured.alone())

    def records(self, predictions: Detections, batch: Batch) -> DetectionRecords:
        category = self.category_ids[predictions.labels]
        known = category >= 0
        image = predictions.image[known]
        boxes, frames = (x.cpu().numpy() for x in (predictions.boxes[known], batch["frame"][image]))
        return DetectionRecords(
            images=batch["id"],
            image=batch["id"][image],
            boxes_original=torch.from_numpy(boxes_to_photo(boxes, frames)).to(image.device),
            scores=predictions.scores[known],
            category_ids=category[known],
        )

    def predict(self, batch: Batch) -> Any:
        if not batch.get("tiled") or not len(batch["image"]):
            return super().predict(batch)
        found = [self.records(self.predictions(share), share) for share in shares(batch)]
        return merged(found, nms_iou=self.head.nms_iou)

    @classmethod
    def head_arguments(cls, label_map: LabelMap) -> dict[str, Any]:
        return {"num_classes": len(label_map) + 1}  # background

    def summary(self, data: DetectionData) -> str:
        annotations, head, figures = data.val_annotations, self.head, self.figures
        seen = self.measured.seen
        photos = counted_of(len(seen), len(annotations), "photo", "photos")
        there = int(np.diff(annotations.offsets)[seen].sum())
        boxes = counted_of(there, len(annotations.boxes), "box", "boxes")
        measured = [name for name in ("map", "segm_map") if name in figures]
        return "\n".join(
            [
                *class_table(figures, annotations.label_map.names),
                f"{', '.join(f'val/{name} {figures[name]:.4f}' for name in measured)} on "
                f"{photos} of {annotations.folder}, {boxes}; "
                f"{'pycocotools' if self.report_exactly else 'faster-coco-eval'}, IoU 0.50:0.95, "
                f"{self.max_detections} detections a photo; score over {head.score_threshold:g}, "
                f"NMS at {head.nms_iou:g}",
            ]
        )

    def entries(self, records: DetectionRecords) -> list[dict[str, Any]]:
        """One dictionary a photo, see ``detection_entries``."""
        names = dict(zip(self.category_ids.tolist(), self.label_map.names, strict=True))
        return detection_entries(records.rows(), images=records.images.tolist(), names=names)

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        draw_detections(canvas, entry["detections"])


def class_table(figures: Mapping[str, float], names: Sequence[str]) -> list[str]:
    """Lines of average precisions, of each class and of all, for those of ``COLUMNS`` there are.

    Of many classes without objects to find there is no line each.
    """
    columns = {name: title for name, title in COLUMNS.items() if name in figures}
    unmeasured = [
        name for name in names if all(figures[f"{column}/{name}"] == -1 for column in columns)
    ]
    hidden = set(unmeasured) if len(unmeasured) > MOST_UNMEASURED else set()
    rows = [*((name, f"/{name}") for name in names if name not in hidden), ("all", "")]
    lines = [
        f"{'class':26}" + "".join(f"  {title:>5}" for title in columns.values()),
        *(
            f"  {name:24}"
            + "".join(
                f"  {figures[column + suffix]:{max(len(title), 5)}.3f}"
                for column, title in columns.items()
            )
            for name, suffix in rows
        ),
    ]
    return [*lines, f"  {len(hidden)} other classes have no objects here"] if hidden else lines


def category_ids(network: LabelMap, data: LabelMap) -> list[int]:
    """The data set's id of each of the network's classes, by name; -1 where it has none.

    Raises:
        InputError: If they have no class in common.
    """
    unknown = [name for name in data.names if name not in network.names]
    near = "; ".join(near_matches(unknown, network.names))
    if near:
        logger.warning("Class names of the data and of the network differ: %s", near)
    check_classes(network, data)
    by_name = dict(zip(data.names, data.ids, strict=True))
    return [by_name.get(name, -1) for name in network.names]


def check_scoring(metric: "CocoMetric") -> None:
    """Feeds the ground truth back as predictions, which must be perfect.

    Anything less means that boxes, ids or classes are mixed up somewhere, which no training can
    make up for.

    Raises:
        InputError: If the average precision is not 1.
    """
    annotations = metric.annotations
    counts = annotations.offsets[1:] - annotations.offsets[:-1]
    if annotations.crowd.all():
        logger.warning("The validation split has no objects: val/map will be -1")
        return
    metric.update(truth_records(annotations))
    figures = metric.compute()
    perfect = min(figures["map"], figures.get("segm_map", 1.0))
    lost = sum(not area(row["segmentation"]) for row in metric.results if "segmentation" in row)
    if lost:
        logger.warning(
            "%d validation objects are smaller than a pixel and have no mask: the best "
            "val/segm_map is %.3f",
            *(lost, figures["segm_map"]),
        )
        perfect = figures["map"]
    crowded = int((counts > metric.max_detections).sum())
    if crowded:
        logger.warning(
            "%d validation photos have more than %d objects, which is all that the metric looks "
            "at: the best val/map is %.3f. Raise task.max_detections and head.max_detections to %d",
            *(crowded, metric.max_detections, perfect, counts.max()),
        )
    elif perfect < 0.999:
        raise InputError(
            f"The ground truth of {annotations.folder} scores {perfect:.3f} against itself "
            "instead of 1: its boxes, areas or ids contradict each other."
        )
