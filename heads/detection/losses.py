"""Classification losses of the one-stage detectors.

The three that are classes give one value an anchor: logits have shape ``(..., C)``, column 0 is
background; targets are class numbers ``(...)``.
"""

import torch.nn.functional as F
from torch import Tensor


class SigmoidCrossEntropy:
    """A yes or no for each class by itself, as in the released SSD-MobileNet."""

    activation = "sigmoid"

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each anchor, summed over its classes; shape of ``targets``."""
        # -log(1 - p) for every class, and the difference to -log(p) for the one that is there
        there = logits.gather(-1, targets[..., None]).squeeze(-1)
        return F.softplus(logits).sum(-1) - there

    def scores(self, logits: Tensor) -> Tensor:
        """Scores of the classes without background, shape ``(..., C - 1)``."""
        return logits[..., 1:].sigmoid()


class SoftmaxCrossEntropy:
    """One choice among the classes and background, as in the SSD paper."""

    activation = "softmax"

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each anchor, shape of ``targets``."""
        return F.cross_entropy(logits.movedim(-1, 1), targets, reduction="none")

    def scores(self, logits: Tensor) -> Tensor:
        """Scores of the classes without background, shape ``(..., C - 1)``."""
        return logits.softmax(-1)[..., 1:]


class FocalLoss(SigmoidCrossEntropy):
    """Sigmoid cross entropy that well-classified anchors hardly count in (Lin et al. 2017, eq. 5).

    It needs no mining: give the head ``negatives_per_positive: null``.

    Args:
        alpha: Weight of a class that is there, against ``1 - alpha`` for one that is not.
        gamma: How fast the weight falls as an anchor is classified better.
    """

    free_settings = ("alpha", "gamma")

    def __init__(self, *, alpha: float = 0.25, gamma: float = 2.0) -> None:
        self.alpha = alpha
        self.gamma = gamma

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each anchor, shape of ``targets``; background is no class here."""
        logits = logits[..., 1:]
        there = F.one_hot(targets, logits.shape[-1] + 1)[..., 1:].to(logits.dtype)
        cross_entropy = F.binary_cross_entropy_with_logits(logits, there, reduction="none")
        alpha = there * self.alpha + (1 - there) * (1 - self.alpha)
        probability_of_truth = (-cross_entropy).exp()
        weight = alpha * (1 - probability_of_truth) ** self.gamma
        return (weight * cross_entropy).sum(-1)


def quality_focal_loss(logits: Tensor, qualities: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Focal loss towards qualities rather than classes (Li et al. 2020, "GFL", equation 5).

    Args:
        logits: Any shape.
        qualities: What their sigmoid should be, in [0, 1], same shape.
        gamma: How fast the weight falls with the distance from it.

    Returns:
        Same shape.
    """
    cross_entropy = F.binary_cross_entropy_with_logits(logits, qualities, reduction="none")
    return (qualities - logits.sigmoid()).abs() ** gamma * cross_entropy
