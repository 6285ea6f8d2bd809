"""Faster R-CNN on a feature pyramid (Lin et al. 2017, "Feature Pyramid Networks")."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from backbone.errors import check_number
from heads.detection.two_stage import TwoStageHead
from heads.head import Features

FEATURES = {"c3": 8, "c4": 16, "c5": 32}  # with their strides
POOLED_STRIDE = 64


class PyramidRCNNHead(TwoStageHead):
    """Detects objects on maps of several strides, small ones on the finest.

    The maps are ``c3`` to ``c5``, each with what the coarser ones know, and for proposals a pooled
    one besides. A crop goes through two fully connected layers instead of the backbone's tail,
    which runs on the whole image.

    Args:
        in_channels: Channels of each backbone feature.
        map_channels: Channels of the pyramid.
        region_channels: Width of the fully connected layers.
        crop_size: Side of the crops.
        **settings: See ``TwoStageHead``.

    Raises:
        InputError: If a setting is outside its bounds.
    """

    name = "faster_rcnn_fpn"
    needed_strides = FEATURES

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        map_channels: int = 128,
        region_channels: int = 256,
        crop_size: int = 7,
        **settings: Any,
    ) -> None:
        check_number("head.map_channels", map_channels, at_least=1, whole=True)
        check_number("head.region_channels", region_channels, at_least=1, whole=True)
        super().__init__(
            channels=map_channels,
            strides=[*FEATURES.values(), POOLED_STRIDE],
            crop_strides=list(FEATURES.values()),
            region_channels=region_channels,
            crop_size=crop_size,
            **settings,
        )
        self.map_channels = map_channels
        self.region_channels = region_channels
        self.pyramid = FeaturePyramidNetwork(
            [in_channels[key] for key in FEATURES], map_channels, LastLevelMaxPool()
        )
        self.hidden = nn.Sequential(
            nn.Linear(map_channels * crop_size**2, region_channels),
            nn.ReLU(inplace=True),
            nn.Linear(region_channels, region_channels),
            nn.ReLU(inplace=True),
        )

    def maps(self, features: Features) -> list[Tensor]:
        maps = self.pyramid(OrderedDict((key, features[key]) for key in FEATURES))
        return list(maps.values())

    def describe(self, crops: Tensor) -> Tensor:
        # channels last, as the crops are in memory
        described: Tensor = self.hidden(crops.permute(0, 2, 3, 1).flatten(1))
        return described

    def settings(self) -> dict[str, Any]:
        """The same, and the widths of the layers that are its own."""
        return {
            **super().settings(),
            "map_channels": self.map_channels,
            "region_channels": self.region_channels,
        }
