"""Image classification: what the shared task leaves open."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from backbone.description import UNKNOWN
from heads.classification import ClassificationHead
from heads.head import Batch
from tasks.classification.balancing import class_weights
from tasks.classification.data import ClassificationData
from tasks.classification.heat_maps import heat_maps, paint_heat
from tasks.classification.mixing import Mixing
from tasks.classification.records import ClassificationRecords, top_records
from tasks.common.data.labels import check_classes
from tasks.common.images.canvas import Canvas
from tasks.common.images.captions import scored_lines
from tasks.common.images.crops import centre_box
from tasks.common.images.sheets import sample_sheet
from tasks.common.report import counted_of
from tasks.common.training.reported import Verdict
from tasks.common.training.task import Task

if TYPE_CHECKING:
    from tasks.classification.metric import ClassificationMetric

MAX_LINES = 40  # of a summary; classes.csv has all classes
NUM_CONFUSIONS = 5


class ClassificationTask(Task[ClassificationData, "ClassificationMetric"]):
    """Trains a classifier and scores it by top-1 and top-5 accuracy.

    Args:
        mixing: Mixes the photos of a training batch; None for none.
        **wiring: See ``Task``.
    """

    head: ClassificationHead
    head_type = ClassificationHead
    takes_teacher = True
    has_heat_maps = True
    monitor = "val/accuracy"
    legend = "What each photo shows, the likeliest first, and how sure the network is of it."

    def __init__(self, *, mixing: Mixing | None = None, **wiring: Any) -> None:
        super().__init__(**wiring)
        self.mixing = mixing

    def make_metric(self, data: ClassificationData) -> "ClassificationMetric":
        from tasks.classification.metric import ClassificationMetric  # and torchmetrics with it

        photos = data.photos("val")
        check_classes(self.label_map, photos.label_map)
        return ClassificationMetric(photos, network=self.label_map)

    def prepare(self, stage: str, data: ClassificationData) -> None:
        super().prepare(stage, data)
        if stage == "fit" and self.head.class_weights:
            targets = torch.from_numpy(data.photos("train").targets)
            self.head.weights = class_weights(targets, len(self.label_map))

    def training_batch(self, batch: Batch) -> Batch:
        if self.mixing:
            batch = self.mixing(batch, num_classes=len(self.label_map))
        return super().training_batch(batch)

    def records(self, predictions: Tensor, batch: Batch) -> ClassificationRecords:
        return top_records(predictions, batch["id"])

    def predict(self, batch: Batch) -> ClassificationRecords | None:
        if not self.heat_maps or not len(batch["image"]):
            return super().predict(batch)
        features = self(batch["image"])
        records = self.records(self.head.predict(features, batch), batch)
        heat = heat_maps(features, records.classes[:, 0], backbone=self.backbone, head=self.head)
        return records._replace(heat_maps=heat)

    def summary(self, data: ClassificationData) -> str:
        metric = self.measured
        photos = counted_of(len(metric.found.ids), len(metric.photos), "photo", "photos")
        classes = sorted(metric.by_class(), key=lambda row: row.right / row.photos)
        rows = [f"  {row.name:32} {row.right:4} of {row.photos}" for row in classes[:MAX_LINES]]
        pairs = [
            f"  {pair.truth} taken for {pair.taken}: {pair.photos}"
            for pair in metric.confusions()[:NUM_CONFUSIONS]
        ]
        return "\n".join(
            [
                *("class, the worst first", *rows),
                *(["most frequent confusions", *pairs] if pairs else []),
                f"balanced accuracy {self.figures['balanced_accuracy']:.4f}, F1 "
                f"{self.figures['macro_f1']:.4f}, both means over classes",
                f"{self.monitor} {self.figures['accuracy']:.4f}, in the first five "
                f"{self.figures['accuracy_top5']:.4f}, on {photos} of "
                f"{metric.photos.folder}, {len(classes)} classes of {len(self.label_map)}; centre "
                f"crop of {self.image_size} pixels",
                *self.cautions(data),
            ]
        )

    def cautions(self, data: ClassificationData) -> list[str]:
        """Warns of figures on photos that the network has been, or probably been, trained on."""
        return [*self._leak_lines(data), *super().cautions(data)]

    def _leak_lines(self, data: ClassificationData) -> list[str]:
        if data.drawn_from and data.drawn_from in self.trained_on:
            return [
                f"Leak: the weights go back to {data.drawn_from}, where these test photos are "
                "from: probably seen in training"
            ]
        if data.drawn_from and UNKNOWN in self.trained_on:
            return ["Leak? The weights do not say what they were trained on: perhaps test photos"]
        return []

    def entries(self, records: ClassificationRecords) -> list[dict[str, Any]]:
        """One dictionary a photo.

        It has ``classes`` with ``id, name, score``, the likeliest first, and, if it was asked for,
        ``heat_map``: rows of numbers from 0 to 1 over the part of the photo that was seen.
        """
        entries: list[dict[str, Any]] = [
            {"classes": classes} for classes in records.named(self.label_map)
        ]
        if records.heat_maps is not None:
            for entry, heat in zip(entries, records.heat_maps.tolist(), strict=True):
                entry["heat_map"] = [[round(value, 3) for value in row] for row in heat]
        return entries

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Writes the classes on the photo; beside it goes the heat map, if there is one."""
        canvas.write(scored_lines(entry["classes"]))
        if "heat_map" in entry:
            height, width = canvas.photo.shape[:2]
            box = centre_box(width, height, self.image_size)
            canvas.beside(paint_heat(canvas.photo, entry["heat_map"], box=box))

    @classmethod
    def sheet(
        cls, entries: Sequence[Mapping[str, Any]], pictures: Sequence[Path], **context: Any
    ) -> np.ndarray:
        title = cls.legend
        if "heat_map" in entries[0]:
            title += " Beside it, what spoke for the first: dark red did a little, yellow most."
        return sample_sheet([Path(row["file"]) for row in entries], pictures, title=title)

    def verdict(self, truth: Mapping[str, Any], entry: Mapping[str, Any]) -> Verdict:
        own, likeliest = truth["classes"][0]["name"], entry["classes"][0]["name"]
        return Verdict(own == likeliest, "right" if own == likeliest else f"wrong, it is {own}")
