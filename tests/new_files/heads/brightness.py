"""How bright a photo is."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from heads.head import Batch, Features
from heads.pooled import PooledHead


class BrightnessHead(PooledHead):
    """A share of 1 from one linear layer over the pooled feature.

    Args:
        weight: Of the loss.
        **pooled: See ``PooledHead``.
    """

    name = "brightness"
    free_settings = ("weight",)

    def __init__(self, *, weight: float, **pooled: Any) -> None:
        super().__init__(**pooled)
        self.weight = weight

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Squared difference to ``batch["target"]``, shape ``(B, 1)``."""
        return {
            "brightness": self.weight * F.mse_loss(self.predict(features, batch), batch["target"])
        }

    def predict(self, features: Features, batch: Batch) -> Tensor:
        """Shares from 0 to 1, shape ``(B, 1)``."""
        return self.outputs(features).float().sigmoid()
