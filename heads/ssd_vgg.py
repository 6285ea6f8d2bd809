"""SSD's own head for VGG16 (Liu et al. 2016, section 3)."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backbone.errors import InputError
from heads.detection.anchors import Shape, anchor_shapes
from heads.head import Features
from heads.ssd import SSDHead

# Aspect ratios of each map's anchors, besides the squares: the finest and the two coarsest maps do
# without the extreme ones.
RATIOS = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))


class SSDVGGHead(SSDHead):
    """Detects objects in one pass over VGG16's conv4_3 and fc7 and four extra maps.

    It differs from ``SSDHead`` in its 3x3 predictors, wider extra layers, and anchors: squares on
    every map, of half the lowest scale on the first. Without batch norm, conv4_3 has larger values
    than the layers after it, so that its norm is learned (section 3.1).

    Args:
        in_channels: Channels of each backbone feature.
        **settings: See ``SSDHead``.
    """

    name = "ssd_vgg"
    predictor_size = 3
    extra_shares = (1 / 2, 1 / 4, 1 / 4, 1 / 4)

    def __init__(self, *, in_channels: Mapping[str, int], **settings: Any) -> None:
        super().__init__(in_channels=in_channels, **settings)
        self.norm = LearnedNorm(in_channels[self.features[0]], scale=20.0)

    def maps(self, features: Features) -> list[Tensor]:
        first, *others = super().maps(features)
        return [self.norm(first), *others]

    def make_anchor_shapes(
        self, num_maps: int, *, min_scale: float, max_scale: float
    ) -> list[list[Shape]]:
        if num_maps != len(RATIOS):
            raise InputError("head=ssd_vgg takes two features, such as head.features=[c3,c5]")
        step = (max_scale - min_scale) / (num_maps - 2)
        scales = [min_scale / 2, *(min_scale + step * number for number in range(num_maps))]
        return [
            anchor_shapes(scale, next_scale, ratios=ratios)
            for (scale, next_scale), ratios in zip(pairwise(scales), RATIOS, strict=True)
        ]


class LearnedNorm(nn.Module):
    """Gives the vector at each place of a map a length that is learned, channel by channel.

    Args:
        channels: Channels of the map.
        scale: Length to start with.
    """

    def __init__(self, channels: int, *, scale: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels, 1, 1), scale))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=1) * self.scale
