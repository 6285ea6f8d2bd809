"""One choice among classes for a whole image."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from backbone.errors import check_number
from backbone.layers import initialise
from heads.head import Batch, Features, Head


class ClassificationHead(Head):
    """Average pooling and one linear layer (MobileNet, Table 1).

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Classes; there is no background.
        feature: The backbone feature to pool.
        dropout: Share of the pooled values left out in training.
        label_smoothing: Share of each target spread over all classes; the paper has none.

    Raises:
        InputError: If a share is outside its bounds.
    """

    name = "classification"
    takes_any_size = True

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        num_classes: int,
        feature: str = "c5",
        dropout: float = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        check_number("head.dropout", dropout, at_least=0, at_most=1)
        check_number("head.label_smoothing", label_smoothing, at_least=0, at_most=1)
        self.feature = feature
        self.label_smoothing = label_smoothing
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(in_channels[feature], num_classes)
        initialise(self, std=0.09)

    def outputs(self, features: Features) -> Tensor:
        """Logits, shape ``(B, num_classes)``."""
        logits: Tensor = self.linear(self.dropout(features[self.feature].mean(dim=(2, 3))))
        return logits

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Softmax cross entropy against ``batch["target"]``: class numbers or probabilities."""
        loss = F.cross_entropy(
            self.outputs(features).float(), batch["target"], label_smoothing=self.label_smoothing
        )
        return {"classification": loss}

    def predict(self, features: Features, batch: Batch) -> Tensor:
        """Probabilities, shape ``(B, num_classes)``."""
        return self.outputs(features).float().softmax(-1)

    def settings(self) -> dict[str, Any]:
        """The feature that is pooled."""
        return {"feature": self.feature}

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Keeps the rows of ``classes``, or drops the linear layer."""
        if classes is None:
            return {}
        return {name: tensor[list(classes)] for name, tensor in tensors.items()}
