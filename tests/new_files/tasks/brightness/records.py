"""What a network of brightness says of photos."""

from typing import NamedTuple

from torch import Tensor


class Records(NamedTuple):
    """Index of each photo in its split and how bright it is found, ``(B,)`` and ``(B, 1)``."""

    ids: Tensor
    shares: Tensor
