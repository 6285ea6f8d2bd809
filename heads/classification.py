"""One choice among classes for a whole image."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from backbone.errors import check_choice, check_number
from heads.head import Batch, Features
from heads.pooled import PooledHead

CLASS_WEIGHTS = ("balanced",)


class ClassificationHead(PooledHead):
    """Softmax over classes.

    Args:
        label_smoothing: Share of each target spread over all classes; the paper has none.
        class_weights: ``balanced`` lets each class count the same in the loss, whatever it has of
            the training photos; None lets each photo.
        **pooled: See ``PooledHead``; there is no background class.

    Raises:
        InputError: If a share is outside its bounds.
    """

    name = "classification"
    free_settings = ("label_smoothing", "class_weights")

    def __init__(
        self, *, label_smoothing: float = 0.0, class_weights: str | None = None, **pooled: Any
    ) -> None:
        super().__init__(**pooled)
        check_number("head.label_smoothing", label_smoothing, at_least=0, at_most=1)
        if class_weights is not None:
            check_choice("head.class_weights", class_weights, allowed=CLASS_WEIGHTS)
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights
        # of the classes, ``(C,)``; the data say what, which are there again when a run goes on
        self.register_buffer("weights", None, persistent=False)

    weights: Tensor | None

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Softmax cross entropy against ``batch["target"]``: class numbers or probabilities."""
        loss = F.cross_entropy(
            self.outputs(features).float(),
            batch["target"],
            weight=self.weights,
            label_smoothing=self.label_smoothing,
        )
        return {"classification": loss}

    def predict(self, features: Features, batch: Batch) -> Tensor:
        """Probabilities, shape ``(B, num_classes)``."""
        return self.outputs(features).float().softmax(-1)
