"""One choice among the cells of the Earth, of one granularity or several."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backbone.errors import check_number
from backbone.layers import average, initialise
from heads.head import Batch, Features, Head


class CellHead(Head):
    """Average pooling and a linear layer with a softmax over the cells of each granularity.

    With one granularity it is PlaNet's (Weyand et al. 2016); several on one trunk, whose losses are
    summed, are from Müller-Budack et al. 2018.

    Attributes:
        points: Mean location of each cell's photos, latitude and longitude in degrees,
            ``(num_classes, 2)``: not learnt, but it belongs to the cells. In float32, which is
            exact to a metre.

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Cells of each granularity; a number if there is only one.
        feature: The backbone feature to pool.
        dropout: Share of the pooled values left out in training.

    Raises:
        InputError: If a share is outside its bounds.
    """

    name = "cells"
    takes_any_size = True
    free_settings = ("dropout",)
    points: Tensor

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        num_classes: int | Sequence[int],
        feature: str = "c5",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_number("head.dropout", dropout, at_least=0, at_most=1)
        self.feature = feature
        self.sizes = [num_classes] if isinstance(num_classes, int) else list(num_classes)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(self.num_inputs(in_channels[feature]), sum(self.sizes))
        self.register_buffer("points", torch.zeros(sum(self.sizes), 2))
        initialise(self, std=0.09)

    def num_inputs(self, channels: int) -> int:
        """Values that the linear layer sees of a photo with so many channels."""
        return channels

    def pooled(self, features: Features) -> Tensor:
        """What is known of each photo, ``(B, C)``."""
        return average(features[self.feature])

    def outputs(self, features: Features) -> Tensor:
        """Logits of the cells of all granularities, ``(B, num_classes)``."""
        logits: Tensor = self.linear(self.dropout(self.pooled(features)))
        return logits

    def logits(self, features: Features, batch: Batch) -> Tensor:
        """As ``outputs``, with whatever else the batch tells of its photos."""
        return self.outputs(features)

    def by_granularity(self, logits: Tensor) -> tuple[Tensor, ...]:
        """Logits ``(B, num_classes)``, in float32, cut into those of each granularity."""
        if len(self.sizes) == 1:  # which converters for phones do not take to be cut
            return (logits.float(),)
        return logits.float().split(self.sizes, dim=1)

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy against ``batch["target"]``, ``(B, G)``, summed over the granularities."""
        parts = self.by_granularity(self.logits(features, batch))
        targets = batch["target"].unbind(1)
        losses = [F.cross_entropy(*pair) for pair in zip(parts, targets, strict=True)]
        return {"cells": torch.stack(losses).sum()}

    def predict(self, features: Features, batch: Batch) -> Tensor:
        """Probabilities, ``(B, num_classes)``; those of each granularity add up to 1."""
        parts = self.by_granularity(self.logits(features, batch))
        return torch.cat([part.softmax(-1) for part in parts], dim=1)

    def tables(self) -> dict[str, Tensor]:
        """Where the cells are."""
        return {"points": self.points}

    def settings(self) -> dict[str, Any]:
        """The feature that is pooled."""
        return {"feature": self.feature}

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Keeps the rows of ``classes``, or drops the linear layer and the locations."""
        by_class = {"linear.weight", "linear.bias", "points"}
        if classes is None:
            return {name: value for name, value in tensors.items() if name not in by_class}
        return {
            name: value[list(classes)] if name in by_class else value
            for name, value in tensors.items()
        }
