"""Several attributes of one thing, each there or not."""

import torch.nn.functional as F
from torch import Tensor

from heads.head import Batch, Features
from heads.pooled import PooledHead


class AttributesHead(PooledHead):
    """A sigmoid for each attribute (MobileNet, section 4.5): any number of them may hold at once.

    Args:
        **pooled: See ``PooledHead``; ``num_classes`` is the number of attributes.
    """

    name = "attributes"

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of each attribute, averaged over attributes and images.

        Against ``batch["target"]``, ``(B, num_classes)``: 0 and 1 or a teacher's probabilities.
        Those that are NaN are unknown and left out; of a batch without any known it is 0.
        """
        logits, target = self.outputs(features).float(), batch["target"]
        known = ~target.isnan()
        losses = F.binary_cross_entropy_with_logits(
            logits, target.where(known, 0), reduction="none"
        )
        return {"attributes": losses.where(known, 0).sum() / known.sum().clamp(min=1)}

    def predict(self, features: Features, batch: Batch) -> Tensor:
        """Probability of each attribute, shape ``(B, num_classes)``."""
        return self.outputs(features).float().sigmoid()
