"""A point for a whole image, near those of images that show the same."""

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from backbone.errors import InputError, check_number
from backbone.layers import average, initialise
from heads.head import Batch, Features, Head


class EmbeddingHead(Head):
    """Average pooling and one linear layer, trained towards a teacher's embeddings.

    The loss is the squared difference of the two (MobileNets, section 4.7), which needs no labels.
    Embeddings of length 1 lie on the unit sphere, the teacher's too; then the loss is two minus
    twice the cosine of the angle between them.

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Of the data; a teacher's have none.
        dimension: Numbers of an embedding, as many as the teacher's.
        normalised: Bring embeddings to length 1, as FaceNet's are.
        feature: The backbone feature to pool.
    """

    name = "embedding"
    predicts = "embedding"
    takes_any_size = True

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        num_classes: int,
        dimension: int,
        normalised: bool = True,
        feature: str = "c5",
    ) -> None:
        super().__init__()
        check_number("head.dimension", dimension, at_least=1, whole=True)
        self.dimension = dimension
        self.normalised = normalised
        self.feature = feature
        self.linear = nn.Linear(in_channels[feature], dimension)
        initialise(self, std=0.09)

    def outputs(self, features: Features) -> Tensor:
        """Embeddings as the layer gives them, ``(B, dimension)``."""
        points: Tensor = self.linear(average(features[self.feature]))
        return points

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Squared difference to ``batch["target"]``, ``(B, dimension)``, summed over dimensions.

        Raises:
            InputError: If the teacher's embeddings have another dimension.
        """
        target = batch["target"].float()
        self.check_targets(target)
        if self.normalised:
            target = F.normalize(target)
        difference = self.predict(features, batch) - target
        return {"distillation": difference.square().sum(1).mean()}

    def check_targets(self, target: Tensor) -> None:
        """Raises an InputError if a teacher's embeddings ``(B, D)`` have another dimension."""
        if target.shape[1:] != (self.dimension,):
            raise InputError(
                f"head.dimension={self.dimension}: the teacher's embeddings have "
                f"{target.shape[-1]} numbers. Give head.dimension={target.shape[-1]}"
            )

    def predict(self, features: Features, batch: Batch) -> Tensor:
        """Embeddings, ``(B, dimension)``."""
        points = self.outputs(features).float()
        return F.normalize(points) if self.normalised else points

    def settings(self) -> dict[str, Any]:
        """What the embeddings are."""
        return {
            "dimension": self.dimension,
            "normalised": self.normalised,
            "feature": self.feature,
        }
