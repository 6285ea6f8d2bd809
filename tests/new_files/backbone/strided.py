"""A backbone as small as one can be: a strided convolution for each feature."""

import torch
from torch import Tensor, nn

from backbone.backbone import Backbone


class Strided(Backbone):
    """Four convolutions whose windows touch.

    Args:
        channels: Of every feature.
    """

    name = "strided"
    strides = {"c2": 4, "c3": 8, "c4": 16, "c5": 32}  # noqa: RUF012, as the base class has it

    def __init__(self, *, channels: int = 8) -> None:
        super().__init__()
        self.settings = {"channels": channels}
        self.out_channels = dict.fromkeys(self.strides, channels)
        self.layers = nn.ModuleDict({"c2": nn.Conv2d(3, channels, 4, stride=4)})
        for key in ("c3", "c4", "c5"):
            self.layers[key] = nn.Conv2d(channels, channels, 2, stride=2)

    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        c2 = torch.relu(self.layers["c2"](image))
        c3 = torch.relu(self.layers["c3"](c2))
        return {"c2": c2, "c3": c3, "c4": torch.relu(self.layers["c4"](c3))}

    def tail(self, c4: Tensor) -> Tensor:
        return torch.relu(self.layers["c5"](c4))
