"""Brightness: what the shared task leaves open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from heads.brightness import BrightnessHead
from heads.head import Batch
from tasks.brightness.data import BrightnessData
from tasks.brightness.records import Records
from tasks.common.images.canvas import Canvas
from tasks.common.training.task import Task

if TYPE_CHECKING:
    from tasks.brightness.metric import BrightnessMetric


class BrightnessTask(Task[BrightnessData, "BrightnessMetric"]):
    """Trains how bright photos are and scores it by the mean difference."""

    head_type = BrightnessHead
    monitor = "val/closeness"
    legend = "How bright each photo is."

    def make_metric(self, data: BrightnessData) -> "BrightnessMetric":
        from tasks.brightness.metric import BrightnessMetric  # and torchmetrics with it

        return BrightnessMetric(data.photos("val").targets)

    def records(self, predictions: Tensor, batch: Batch) -> Records:
        return Records(batch["id"], predictions)

    def summary(self, data: BrightnessData) -> str:
        return f"{self.monitor} {self.figures['closeness']:.4f}"

    def entries(self, records: Records) -> list[dict[str, Any]]:
        """One dictionary a photo, with its ``brightness``."""
        return [{"brightness": float(share)} for share in records.shares]

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Writes the brightness on the photo."""
        canvas.write([f"{entry['brightness']:.0%}"])
