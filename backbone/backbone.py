"""What heads and tasks expect of every backbone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Turns a normalised image into features ``c2`` to ``c5``; no pooling, no classifier.

    The network can be cut in two: ``tail(trunk(image)["c4"])`` equals ``forward(image)["c5"]``,
    for detectors that run the trunk once an image and the tail once a proposal.

    Attributes:
        name: As in a weights file's description.
        also_loads: Names of other backbones whose published weights this one starts from.
        settings: Plain arguments that the tensors depend on, saved with them.
        out_channels: Channels of each feature.
        strides: Input pixels for each step in a feature; ``ck`` has 2^k, unless dilated. A feature
            that is one vector for the whole image, whose sides are 1, has none.
        min_side: Side of the smallest image it has features of, in pixels.
        loses_edges: Whether its layers pad too little to keep the pixels at the edges.
        trained_on: Data sets that the weights it is made with have learned from.
    """

    name: str
    also_loads: Sequence[str] = ()
    settings: Mapping[str, Any]
    out_channels: Mapping[str, int]
    strides: Mapping[str, int]
    min_side: int = 32
    loses_edges: bool = False
    trained_on: Sequence[str] = ()

    def forward(self, image: Tensor, *, tail: bool = True) -> dict[str, Tensor]:
        """Features of a normalised image.

        Args:
            image: Shape ``(B, 3, H, W)``, values in [-1, 1].
            tail: False for heads that run it themselves, on crops: then there is no ``c5``.

        Returns:
            ``c2`` to ``c5``; ``ck`` has shape ``(B, out_channels["ck"], H / stride, W / stride)``,
            sides rounded up, or down where the backbone says so.
        """
        features = self.trunk(image)
        return features | {"c5": self.tail(features["c4"])} if tail else features

    @abstractmethod
    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        """Features ``c2`` to ``c4``, all that a proposal network needs."""

    @abstractmethod
    def tail(self, c4: Tensor) -> Tensor:
        """``c5`` from ``c4``, or from crops of it."""
