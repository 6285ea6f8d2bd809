"""One choice among classes for a whole image."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from backbone.layers import initialise
from heads.head import Batch, Features, Head


class ClassificationHead(Head):
    """Average pooling and one linear layer (MobileNet, Table 1).

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Classes; there is no background.
        feature: The backbone feature to pool.
    """

    name = "classification"

    def __init__(
        self, *, in_channels: Mapping[str, int], num_classes: int, feature: str = "c5"
    ) -> None:
        super().__init__()
        self.feature = feature
        self.linear = nn.Linear(in_channels[feature], num_classes)
        initialise(self, std=0.09)

    def outputs(self, features: Features) -> Tensor:
        """Logits, shape ``(B, num_classes)``."""
        return self.linear(features[self.feature].mean(dim=(2, 3)))

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Softmax cross entropy against ``batch["target"]``: class numbers or probabilities."""
        return {"classification": F.cross_entropy(self.outputs(features).float(), batch["target"])}

    def predict(self, features: Features, batch: Batch) -> Tensor:
        """Probabilities, shape ``(B, num_classes)``."""
        return self.outputs(features).float().softmax(-1)

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Keeps the rows of ``classes``, or drops the linear layer."""
        if classes is None:
            return {}
        return {name: tensor[list(classes)] for name, tensor in tensors.items()}
