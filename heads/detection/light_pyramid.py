"""A feature pyramid of separable convolutions, light enough for a MobileNet."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from backbone.layers import ConvNormAct
from heads.head import Features


class LightPyramid(nn.Module):
    """Maps that all know what is on the others, down and up again (Liu et al. 2018, "PANet").

    As in the small detectors NanoDet and PicoDet, every map has the same few channels, and every
    convolution over space is depthwise.

    Args:
        in_channels: Channels of each backbone feature.
        features: Those that become maps, finest first; one more map of half the side follows.
        channels: Of each map.
    """

    def __init__(
        self, *, in_channels: Mapping[str, int], features: Sequence[str], channels: int
    ) -> None:
        super().__init__()
        self.features = tuple(features)
        self.laterals = nn.ModuleList(
            ConvNormAct(in_channels[key], channels, kernel_size=1) for key in features
        )
        self.down = nn.ModuleList(Refinement(channels) for _ in features[1:])
        self.halve = nn.ModuleList(separable(channels, stride=2) for _ in features[1:])
        self.up = nn.ModuleList(Refinement(channels) for _ in features[1:])
        self.coarsest = separable(channels, stride=2)

    def forward(self, features: Features) -> list[Tensor]:
        """One map more than features, finest first, each of shape ``(B, channels, H, W)``."""
        maps = [
            lateral(features[key])
            for key, lateral in zip(self.features, self.laterals, strict=True)
        ]
        for level in reversed(range(len(self.down))):
            rows, columns = maps[level].shape[-2:]
            # by a factor: one exporter takes a size wrongly where the ratio is no whole number
            coarser = F.interpolate(maps[level + 1], scale_factor=2.0)[..., :rows, :columns]
            maps[level] = self.down[level](maps[level] + coarser)
        for level, (halve, up) in enumerate(zip(self.halve, self.up, strict=True)):
            maps[level + 1] = up(maps[level + 1] + halve(maps[level]))
        return [*maps, self.coarsest(maps[-1])]


def separable(channels: int, *, stride: int = 1) -> nn.Sequential:
    """MobileNet's block with as many channels as it is given."""
    return nn.Sequential(
        ConvNormAct(channels, channels, kernel_size=3, stride=stride, groups=channels),
        ConvNormAct(channels, channels, kernel_size=1),
    )


class Refinement(nn.Module):
    """MobileNet's block, whose output is added to its input.

    Along the sum, what a pretrained backbone knows reaches the predictions from the first step on.

    Args:
        channels: Of its input and its output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = separable(channels)

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.block(x)
        return x + refined
