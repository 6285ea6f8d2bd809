"""ArcFace: a softmax over people whose own angle counts for more than it is."""

import math
from typing import Any

from torch import nn

from backbone.errors import check_number
from heads.identities import IdentityHead


class ArcFaceHead(IdentityHead):
    """An embedding that learns to tell all people of the training photos (Deng et al. 2019).

    Each person has a point of its own, ``criterion.W``. A face's logits are the cosines of its
    angles to all of them, its own angle enlarged by a margin (equation 3). The points of people
    shape training only: checkpoints have them to resume from, and prediction leaves them aside.

    Args:
        margin_rad: Added to the angle between a face and its person's point.
        scale: The length that embeddings are given before the softmax.
        **identity: See ``IdentityHead``.
    """

    loss_name = "arcface"
    free_settings = ("margin_rad", "scale")

    def __init__(self, *, margin_rad: float, scale: float, **identity: Any) -> None:
        check_number("head.margin_rad", margin_rad, at_least=0, at_most=math.pi / 2)
        check_number("head.scale", scale, above=0)
        self.margin_rad = margin_rad
        self.scale = scale
        super().__init__(**identity)

    def make_criterion(self, num_people: int) -> nn.Module:
        from pytorch_metric_learning.losses import ArcFaceLoss

        margin_deg = math.degrees(self.margin_rad)
        criterion: nn.Module = ArcFaceLoss(
            num_people, self.dimension, margin=margin_deg, scale=self.scale
        )
        return criterion
