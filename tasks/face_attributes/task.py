"""Face attributes: what the shared task leaves open."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from backbone.errors import InputError
from heads.attributes import AttributesHead
from heads.head import Batch, Features
from tasks.common.data.labels import check_classes
from tasks.common.images.canvas import Canvas
from tasks.common.images.captions import scored_lines
from tasks.common.report import counted_of
from tasks.common.training.task import Task
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.describing import named_attributes
from tasks.face_attributes.records import AttributeRecords

if TYPE_CHECKING:
    from tasks.face_attributes.metric import AttributesMetric


class FaceAttributesTask(Task[AttributeData, "AttributesMetric"]):
    """Trains attributes from labels or a teacher, and scores them by mean average precision."""

    head_type = AttributesHead
    takes_teacher = True
    monitor = "val/mean_ap"
    legend = "What each face shows, and how sure the network is of it."

    def training_batch(self, batch: Batch) -> Batch:
        batch = super().training_batch(batch)
        if self.teacher is not None:
            check_probabilities(batch["target"], len(self.label_map))
        return batch

    def check_teacher(self, targets: Tensor) -> None:
        check_probabilities(targets, len(self.label_map))

    def predictions(self, batch: Batch, features: Features | None = None) -> Tensor:
        """Probabilities, ``(B, K)``."""
        found: Tensor = super().predictions(batch, features)
        if self.scores_teacher:
            check_probabilities(found, len(self.label_map))
        return found

    def make_metric(self, data: AttributeData) -> "AttributesMetric":
        from tasks.face_attributes.metric import AttributesMetric  # and torchmetrics with it

        faces = data.faces("val")
        check_classes(self.label_map, faces.label_map)
        return AttributesMetric(faces, network=self.label_map)

    def records(self, predictions: Tensor, batch: Batch) -> AttributeRecords:
        return AttributeRecords(batch["id"], predictions)

    def summary(self, data: AttributeData) -> str:
        metric = self.measured
        faces = counted_of(len(metric.found), len(metric.faces), "face", "faces")
        every = metric.by_attribute()
        rows = sorted((row for row in every if row.telling), key=lambda row: row.average_precision)
        return "\n".join(
            [
                "attribute, the worst first: average precision, and what chance would give",
                *(
                    f"  {row.attribute:32} {row.average_precision:.4f} {row.faces / row.known:.4f}"
                    for row in rows
                ),
                *self._group_lines(metric),
                f"{self.monitor} {self.figures['mean_ap']:.4f} over {len(rows)} attributes, "
                f"{len(every) - len(rows)} left out that no face has or all have; accuracy "
                f"{self.figures['accuracy']:.4f}; {faces} of "
                f"{metric.faces.folder}, {data.shown} at {self.image_size} pixels",
                *self.cautions(data),
            ]
        )

    def _group_lines(self, metric: "AttributesMetric") -> list[str]:
        lines = []
        rows = sorted(metric.by_group(), key=lambda row: (row.division, row.mean_ap))
        for division in dict.fromkeys(row.division for row in rows):
            groups = [row for row in rows if row.division == division]
            lines.append(
                f"by {division}, the worst first, over the {groups[0].attributes} attributes that "
                "some in every group have and some lack"
            )
            lines += [
                f"  {row.group:32} {row.mean_ap:6.4f} on {row.faces} faces"
                for row in groups
                if not math.isnan(row.mean_ap)
            ]
        return lines

    def entries(self, records: AttributeRecords) -> list[dict[str, Any]]:
        """One dictionary a face: ``attributes`` with ``id, name, score``, the likeliest first."""
        return [
            {"attributes": attributes}
            for attributes in named_attributes(records.scores.tolist(), self.label_map)
        ]

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Writes the attributes on the photo."""
        canvas.write(scored_lines(entry["attributes"]))


def check_probabilities(target: Tensor, num_attributes: int) -> None:
    """Raises an InputError unless a teacher gives each attribute a probability."""
    if target.shape[1:] != (num_attributes,):
        raise InputError(
            f"The teacher has outputs of shape {tuple(target.shape[1:])} a photo, and the data "
            f"have {num_attributes} attributes: it must give one for each, in the data's order"
        )
    if not ((target >= 0) & (target <= 1)).all():  # nor a number that is none
        low, high = target.aminmax()
        raise InputError(
            f"The teacher gives values from {low:.3g} to {high:.3g}, and attributes are learned "
            "from probabilities. An ONNX file must end in a sigmoid"
        )
