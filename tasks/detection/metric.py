"""The metric: detections of all batches and processes, and what they score."""

import json
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backbone.files import replacing
from tasks.common.charts.precision_recall import PrecisionRecall, draw_precision_recall
from tasks.common.training.metric import TaskMetric
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.records import MAX_DETECTIONS, DetectionRecords, no_records
from tasks.detection.scoring.average_precision import BOXES, MASKS, precision_recall, score


class CocoMetric(TaskMetric):
    """Average precision by COCO's protocol, over all processes.

    Args:
        annotations: The ground truth; crowd boxes are ignored, as COCO does. With outlines, masks
            are scored beside the boxes.
        reference: Score with pycocotools, as figures are reported, instead of its several times
            faster equal.
        alone: Score what this process has seen, without the others.
        max_detections: Of an image, the surest, that count.
    """

    def __init__(
        self,
        annotations: Annotations,
        *,
        reference: bool = False,
        alone: bool = False,
        max_detections: int = MAX_DETECTIONS,
    ) -> None:
        super().__init__(sync_on_compute=not alone)
        self.max_detections = max_detections
        self.annotations = annotations
        self.reference = reference
        self.results: list[dict[str, Any]] = []
        self._truth: dict[str, Any] | None = None
        # lists of a tensor a batch, since only lists gather when processes saw differently much
        for name in DetectionRecords._fields:
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def alone(self) -> "CocoMetric":
        """The same, empty, of what this process sees without the others."""
        return CocoMetric(self.annotations, alone=True, max_detections=self.max_detections)

    seen: np.ndarray  # photos that were looked at, by all processes, once computed

    def update(self, records: DetectionRecords) -> None:
        """Adds the detections of a batch."""
        for name, values in records._asdict().items():
            if values is None:
                continue
            wide = values.double() if values.is_floating_point() else values
            getattr(self, name).append(wide.to(self.device))

    def _sync_dist(self, *args: Any, **kwargs: Any) -> None:
        for name, values in self._seen()._asdict().items():
            setattr(self, name, [values])  # a process without any photo must gather as well
        super()._sync_dist(*args, **kwargs)

    def _seen(self) -> DetectionRecords:
        """All batches so far as one."""
        columns = []
        for name, empty in no_records(self.device)._asdict().items():
            values = getattr(self, name)  # a list of tensors, or one tensor when it was gathered
            batches = [values] if isinstance(values, Tensor) else values
            columns.append(torch.cat([empty, *batches]))
        return DetectionRecords(*columns)

    def compute(self) -> dict[str, float]:
        """``map``, ``map_50``, ``map_75``, by size, and by class as ``map/NAME``, ``map_50/NAME``.

        The same of masks begins with ``segm_``. -1 where there is nothing to find, as COCO has it.
        """
        seen = self._seen()
        # the same for any number of processes
        self.results = sorted(seen.rows(), key=itemgetter("image_id"))
        self.seen = np.unique(seen.images.cpu().numpy())
        return {
            name: value
            for kind in ((BOXES,) if self.annotations.outlines is None else (BOXES, MASKS))
            for name, value in score(
                self.truth(),
                self.results,
                images=self.seen,
                reference=self.reference,
                kind=kind,
                max_detections=self.max_detections,
            ).items()
        }

    def precision_recall(self) -> list[PrecisionRecall]:
        """The curve of each class at an IoU of 0.5; of masks, where there are any."""
        kind = BOXES if self.annotations.outlines is None else MASKS
        return precision_recall(
            self.truth(),
            self.results,
            images=self.seen,
            kind=kind,
            max_detections=self.max_detections,
        )

    def truth(self) -> dict[str, Any]:
        """The ground truth as COCO's evaluators want it; images are numbered by index."""
        if self._truth is None:
            self._truth = coco_dictionary(self.annotations)
        return self._truth

    def save(self, folder: Path) -> None:
        """Writes ``predictions.json``, a COCO result file with the data set's ids, and a chart.

        Where ids are numbers of ours, each row has the ``file_name`` of its photo, too.
        """
        results = [row | self._photo(row["image_id"]) for row in self.results]
        with replacing(folder / "predictions.json") as temporary:
            temporary.write_text(json.dumps(results), encoding="utf-8")
        what = "boxes" if self.annotations.outlines is None else "masks"
        draw_precision_recall(
            self.precision_recall(),
            folder / "precision_recall.png",
            title=f"{what} that overlap an object's by an IoU of 0.5 or more",
        )

    def _photo(self, index: int) -> dict[str, Any]:
        """What tells a photo in the results."""
        photo = {"image_id": self.annotations.image_ids[index].item()}
        if self.annotations.numbered:
            photo["file_name"] = str(self.annotations.file_names[index])
        return photo


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
                **annotations.segmentation(number - 1),
            }
            for number, (image, label, box, area, crowd) in enumerate(columns, start=1)
        ],
    }
