"""One linear layer over a pooled feature, one row a class."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from backbone.errors import check_number
from backbone.layers import average, initialise
from heads.head import Features, Head


class PooledHead(Head):
    """Average pooling and one linear layer (MobileNet, Table 1); what it means is left open.

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Rows of the layer.
        feature: The backbone feature to pool.
        dropout: Share of the pooled values left out in training.

    Raises:
        InputError: If the share is outside its bounds.
    """

    takes_any_size = True
    free_settings: tuple[str, ...] = ("dropout",)

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        num_classes: int,
        feature: str = "c5",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_number("head.dropout", dropout, at_least=0, at_most=1)
        self.feature = feature
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(in_channels[feature], num_classes)
        initialise(self, std=0.09)

    def outputs(self, features: Features) -> Tensor:
        """Logits, shape ``(B, num_classes)``."""
        logits: Tensor = self.linear(self.dropout(average(features[self.feature])))
        return logits

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
