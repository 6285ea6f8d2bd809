"""What heads and tasks expect of every backbone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Turns a normalised image into features ``c2`` to ``c5``; no pooling, no classifier.

    The network can be cut in two: ``tail(trunk(image)["c4"])`` equals ``forward(image)["c5"]``,
    for detectors that run the trunk once an image and the tail once a proposal.

    Attributes:
        name: As in a weights file's description.
        settings: Plain arguments that the tensors depend on, saved with them.
        out_channels: Channels of each feature.
        strides: Input pixels for each step in a feature; ``ck`` has 2^k.
    """

    name: str
    settings: Mapping[str, Any]
    out_channels: Mapping[str, int]
    strides: Mapping[str, int]

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Features of a normalised image.

        Args:
            image: Shape ``(B, 3, H, W)``, values in [-1, 1].

        Returns:
            ``c2`` to ``c5``; ``ck`` has shape ``(B, out_channels["ck"], H / 2^k, W / 2^k)``,
            sides rounded up.
        """
        features = self.trunk(image)
        return features | {"c5": self.tail(features["c4"])}

    @abstractmethod
    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        """Features ``c2`` to ``c4``, all that a proposal network needs."""

    @abstractmethod
    def tail(self, c4: Tensor) -> Tensor:
        """``c5`` from ``c4``, or from crops of it."""
