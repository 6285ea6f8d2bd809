"""Instance segmentation: detection that says of each pixel of a box whether it is the object's."""

from typing import Any

from heads.detection.detections import Detections
from heads.head import Batch
from heads.mask_rcnn import MaskRCNNHead
from tasks.detection.records import DetectionRecords
from tasks.detection.scoring.masks import rles_to_tensors
from tasks.detection.scoring.pasting import paste_masks
from tasks.detection.task import DetectionTask


class InstanceTask(DetectionTask):
    """Trains a detector with masks and scores both, the best by its masks.

    Args:
        **wiring: See ``Task``.
    """

    head_type = MaskRCNNHead
    monitor = "val/segm_map"

    def records(self, predictions: Detections, batch: Batch) -> DetectionRecords:
        assert predictions.masks is not None
        found = super().records(predictions, batch)
        known = self.category_ids[predictions.labels] >= 0
        rles = paste_masks(
            predictions.masks[known].cpu().numpy(),
            found.boxes_original.cpu().numpy(),
            batch["size"][predictions.image[known]].cpu().numpy(),
        )
        masks: dict[str, Any] = rles_to_tensors(rles, device=found.scores.device)
        return found._replace(**masks)
