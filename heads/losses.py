"""Classification losses of the one-stage detectors, one value an anchor.

Logits have shape ``(B, A, C)``, column 0 is background; targets are class numbers ``(B, A)``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


class SigmoidCrossEntropy:
    """A yes or no for each class by itself, as in the released SSD-MobileNet."""

    activation = "sigmoid"

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each anchor, shape ``(B, A)``."""
        return self._by_class(logits, targets).sum(-1)

    def _by_class(self, logits: Tensor, targets: Tensor) -> Tensor:
        wanted = F.one_hot(targets, logits.shape[-1]).to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")

    def scores(self, logits: Tensor) -> Tensor:
        """Scores of the classes without background, shape ``(B, A, C - 1)``."""
        return logits[..., 1:].sigmoid()


class SoftmaxCrossEntropy:
    """One choice among the classes and background, as in the SSD paper."""

    activation = "softmax"

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each anchor, shape ``(B, A)``."""
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(
            targets
        )

    def scores(self, logits: Tensor) -> Tensor:
        """Scores of the classes without background, shape ``(B, A, C - 1)``."""
        return logits.softmax(-1)[..., 1:]


class FocalLoss(SigmoidCrossEntropy):
    """Sigmoid cross entropy that well-classified anchors hardly count in (Lin et al. 2017, eq. 5).

    It needs no mining: give the head ``negatives_per_positive: null``.

    Args:
        alpha: Weight of a class that is there, against ``1 - alpha`` for one that is not.
        gamma: How fast the weight falls as an anchor is classified better.
    """

    def __init__(self, *, alpha: float = 0.25, gamma: float = 2.0) -> None:
        self.alpha = alpha
        self.gamma = gamma

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each anchor, shape ``(B, A)``; background is no class here."""
        cross_entropy = self._by_class(logits, targets)[..., 1:]
        wanted = F.one_hot(targets, logits.shape[-1])[..., 1:].bool()
        alpha = torch.where(wanted, self.alpha, 1 - self.alpha)
        probability_of_truth = (-cross_entropy).exp()
        weight = alpha * (1 - probability_of_truth) ** self.gamma
        return (weight * cross_entropy).sum(-1)
