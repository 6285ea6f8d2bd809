"""Faster R-CNN (Ren et al. 2015) as counted in the paper's Table 13."""

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from heads.detection.two_stage import TwoStageHead
from heads.head import Features


class FasterRCNNHead(TwoStageHead):
    """Detects objects with a backbone cut in two: trunk on the image, tail on each proposal.

    Proposals are made on ``c4`` and cut out of it; ``tail`` turns a crop into ``c5``, of which
    the mean counts. The tail's parameters stay the backbone's.

    Args:
        in_channels: Channels of each backbone feature.
        **settings: See ``TwoStageHead``.
    """

    name = "faster_rcnn"
    runs_tail = True

    def __init__(self, *, in_channels: Mapping[str, int], **settings: Any) -> None:
        super().__init__(
            channels=in_channels["c4"],
            strides=[16],
            crop_strides=[16],
            region_channels=in_channels["c5"],
            **settings,
        )

    def maps(self, features: Features) -> list[Tensor]:
        return [features["c4"]]

    def describe(self, crops: Tensor) -> Tensor:
        return pool(self.tail(crops))


def pool(maps: Tensor) -> Tensor:
    """The mean over all places, ``(N, C, H, W)`` to ``(N, C)``."""
    # a plain mean would be taken in float32, of a copy as large as all crops
    return F.adaptive_avg_pool2d(maps, 1).flatten(1)
