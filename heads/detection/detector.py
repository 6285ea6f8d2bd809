"""What all detectors have in common."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from backbone.errors import InputError, check_number
from heads.detection.boxes import clip
from heads.detection.detections import Detections
from heads.detection.fixed import FixedDetections, Pairs, keep_better, rows
from heads.detection.suppression import candidates, suppress
from heads.head import Batch, Features, Head


class DetectionHead(Head):
    """A head that learns from ``boxes`` and ``labels`` of the batch and predicts detections.

    Args:
        num_classes: Classes including background, 91 for COCO's category ids.
        score_threshold: Detections below it are dropped.
        nms_iou: Of two detections of a class that overlap more, the better stays (SPD, 0.6).
        max_candidates: Best detections of an image that enter the suppression.
        max_detections: Best detections of an image that leave it.

    Raises:
        InputError: If a setting is outside its bounds.
    """

    # layers are convolutions or see crops of one size; anchors are shares of the image, or pixels
    takes_any_size = True
    free_settings: tuple[str, ...] = (
        "score_threshold",
        "nms_iou",
        "max_candidates",
        "max_detections",
    )

    def __init__(
        self,
        *,
        num_classes: int,
        score_threshold: float = 0.01,
        nms_iou: float = 0.6,
        max_candidates: int = 1000,
        max_detections: int = 100,
    ) -> None:
        super().__init__()
        check_number("head.score_threshold", score_threshold, at_least=0, at_most=1)
        check_number("head.nms_iou", nms_iou, at_least=0, at_most=1)
        check_number("head.max_candidates", max_candidates, at_least=1, whole=True)
        check_number("head.max_detections", max_detections, at_least=1, whole=True)
        self.num_classes = num_classes
        self.score_threshold = score_threshold
        self.nms_iou = nms_iou
        self.max_candidates = max_candidates
        self.max_detections = max_detections

    @abstractmethod
    def predict(self, features: Features, batch: Batch) -> Detections: ...

    @abstractmethod
    def predict_fixed(self, features: Features, image: Tensor) -> FixedDetections:
        """The same detections in arrays of fixed shapes, for exports; ``image`` tells the sides."""

    def deployed(self, features: Features, image: Tensor) -> dict[str, Tensor]:
        """``boxes``, ``scores``, ``labels`` and ``counts``, as in ``FixedDetections``."""
        found = self.predict_fixed(features, image)._asdict()
        return {name: value for name, value in found.items() if value is not None}

    def from_deployed(self, found: Mapping[str, Tensor], image: Tensor) -> Detections:
        """Detections without the padding, or decoded."""
        if "counts" not in found:
            return self.from_undecoded(found, image)
        height, width = image.shape[-2:]
        boxes, scores = found["boxes"], found["scores"]
        places = torch.arange(scores.shape[1], device=scores.device)
        is_found = places < found["counts"][:, None]
        masks = found.get("masks")
        return Detections(
            is_found.nonzero()[:, 0],
            (boxes * boxes.new_tensor([width, height, width, height]))[is_found],
            scores[is_found],
            found["labels"][is_found].long(),
            None if masks is None else masks[is_found],
        )

    def from_undecoded(self, found: Mapping[str, Tensor], image: Tensor) -> Detections:
        """What ``predict`` gives, from outputs and places of ``undecoded``."""
        raise NotImplementedError

    def candidates(self, scores: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Image, place, label and score of the best pairs of place and label.

        Args:
            scores: Of each place and label, shape ``(B, N, L)``.
        """
        return candidates(scores, threshold=self.score_threshold, count=self.max_candidates)

    def detections(self, found: Detections, batch: Batch) -> Detections:
        """Boxes within the image, of which the best ones stay where those of a class overlap."""
        height, width = batch["image"].shape[-2:]
        return suppress(
            found._replace(boxes=clip(found.boxes, height=height, width=width)),
            num_labels=self.num_classes - 1,
            nms_iou=self.nms_iou,
            count=self.max_detections,
        )

    def fixed(self, boxes: Tensor, pairs: Pairs, image: Tensor) -> FixedDetections:
        """As ``detections``, in arrays of fixed shapes.

        Args:
            boxes: Of the best pairs, ``xyxy`` pixels of the network input, shape ``(B, K, 4)``.
            pairs: Their scores and labels.
            image: Tells the sides.
        """
        height, width = image.shape[-2:]
        boxes = clip(boxes, height=height, width=width)
        valid = (pairs.scores > self.score_threshold).to(boxes.dtype)
        keep = keep_better(boxes, valid, iou=self.nms_iou, labels=pairs.labels)
        count = min(self.max_detections, boxes.shape[1])
        scores, order = (pairs.scores * keep).topk(count, dim=1)
        found = (scores > 0).to(torch.int32)
        return FixedDetections(
            rows(boxes, order)
            * found[..., None]
            / boxes.new_tensor([width, height, width, height]),
            scores,
            pairs.labels.gather(1, order).to(torch.int32) * found,
            found.sum(1).to(torch.int32),
        )


def check_features(features: Sequence[str], in_channels: Mapping[str, int]) -> None:
    """Refuses features that the backbone does not have, or that are not finest first.

    Raises:
        InputError: Listing those there are.
    """
    if not features or list(features) != [key for key in in_channels if key in features]:
        raise InputError(
            f"head.features={features}: some of {', '.join(in_channels)} are needed, in order"
        )
