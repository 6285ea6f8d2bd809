"""What a classifier says of photos."""

from typing import Any, NamedTuple

from torch import Tensor

from tasks.classification.describing import TOP, named_classes
from tasks.common.data.labels import LabelMap


class ClassificationRecords(NamedTuple):
    """The likeliest classes of each photo, best first.

    Attributes:
        ids: Index of the photo in its split, ``(B,)``.
        classes: The network's, ``(B, TOP)``, or fewer columns where it tells fewer apart.
        scores: Their probabilities, ``(B, TOP)``.
        heat_maps: What decided the first one, ``(B, h, w)``, if that was asked for.
    """

    ids: Tensor
    classes: Tensor
    scores: Tensor
    heat_maps: Tensor | None = None

    def named(self, label_map: LabelMap) -> list[list[dict[str, Any]]]:
        """As ``named_classes``."""
        return named_classes(self.classes.tolist(), self.scores.tolist(), label_map)


def top_records(probabilities: Tensor, ids: Tensor) -> ClassificationRecords:
    """The likeliest classes of a batch, from probabilities of shape ``(B, C)``."""
    scores, classes = probabilities.topk(min(TOP, probabilities.shape[1]))
    return ClassificationRecords(ids, classes, scores)
