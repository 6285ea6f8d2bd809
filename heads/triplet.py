"""FaceNet's triplets: a face nearer to its person's than to another's."""

from typing import Any

from torch import Tensor, nn

from backbone.errors import check_number
from heads.identities import IdentityHead


class TripletHead(IdentityHead):
    """An embedding that learns from triplets (FaceNet, Schroff et al. 2015, section 3).

    Args:
        margin: By which another person's face is to be farther than the same person's, as a
            squared distance of points on the unit sphere.
        **identity: See ``IdentityHead``.
    """

    loss_name = "triplet"
    free_settings = ("margin",)

    def __init__(self, *, margin: float, **identity: Any) -> None:
        check_number("head.margin", margin, above=0, at_most=4)
        self.margin = margin
        super().__init__(**identity)

    def make_criterion(self, num_people: int) -> nn.Module:
        return SemiHardTriplets(self.margin)


class SemiHardTriplets(nn.Module):
    """The mean loss over the semi-hard triplets of a batch, or 0 if it has none.

    These are all whose negative is farther than the positive, but not by the margin (section 3.2);
    the hardest would be mistaken labels, and let all points collapse into one early in training.

    Args:
        margin: Of squared distances.
    """

    def __init__(self, margin: float) -> None:
        from pytorch_metric_learning.distances import LpDistance
        from pytorch_metric_learning.losses import TripletMarginLoss
        from pytorch_metric_learning.miners import TripletMarginMiner

        super().__init__()
        squared = LpDistance(power=2)
        self.miner = TripletMarginMiner(margin, type_of_triplets="semihard", distance=squared)
        self.triplets = TripletMarginLoss(margin, distance=squared)

    def forward(self, points: Tensor, people: Tensor) -> Tensor:
        """A scalar.

        Args:
            points: ``(B, D)``.
            people: Whose each is, ``(B,)``.
        """
        loss: Tensor = self.triplets(points, people, self.miner(points, people))
        return loss
