"""What a network of attributes says of faces."""

from typing import NamedTuple

from torch import Tensor


class AttributeRecords(NamedTuple):
    """What faces show.

    Attributes:
        ids: Index of the photo in its split, ``(B,)``.
        scores: Probability of each of the network's attributes, ``(B, K)``.
    """

    ids: Tensor
    scores: Tensor
