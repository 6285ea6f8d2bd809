"""Inception V2: BN-Inception (Ioffe and Szegedy 2015) as TF-slim's ``inception_v2`` has it."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from backbone.backbone import Backbone
from backbone.layers import Conv2dSame, ConvNormAct, MaxPool2dSame, initialise

STEM_CHANNELS = 64
STEM_FILTERS = 8  # for each of the image's three channels
CHANNELS = {"c2": 192, "c3": 320, "c4": 576, "c5": 1024}

AVERAGE = partial(nn.AvgPool2d, 3, padding=1, count_include_pad=False)
MAXIMUM = partial(MaxPool2dSame, 3)


class Mixed(NamedTuple):
    """Output channels of a mixed block's layers.

    Attributes:
        branches: Of each, the 1x1 convolution and the 3x3 ones after it.
        pooled: Of the 1x1 convolution after the pooling; None where there is none.
        stride: Of each branch's last layer and of the pooling.
        pool: Makes the pooling.
    """

    branches: Sequence[Sequence[int]]
    pooled: int | None
    stride: int = 1
    pool: Callable[..., nn.Module] = AVERAGE


# TF-slim's Mixed_3b to Mixed_5c. The last of a row gives the feature.
BLOCKS = {
    "c3": (
        Mixed([(64,), (64, 64), (64, 96, 96)], 32),
        Mixed([(64,), (64, 96), (64, 96, 96)], 64),
    ),
    "c4": (
        Mixed([(128, 160), (64, 96, 96)], None, stride=2, pool=MAXIMUM),
        Mixed([(224,), (64, 96), (96, 128, 128)], 128),
        Mixed([(192,), (96, 128), (96, 128, 128)], 128),
        Mixed([(160,), (128, 160), (128, 160, 160)], 96),
        Mixed([(96,), (128, 192), (160, 192, 192)], 96),
    ),
    "c5": (
        Mixed([(128, 192), (192, 256, 256)], None, stride=2, pool=MAXIMUM),
        Mixed([(352,), (192, 320), (160, 224, 224)], 128),
        Mixed([(352,), (192, 320), (192, 224, 224)], 128, pool=MAXIMUM),
    ),
}


class InceptionV2(Backbone):
    """Inception V2 as a feature extractor, padded as TensorFlow's SAME."""

    name = "inception_v2"

    def __init__(self) -> None:
        super().__init__()
        self.settings = {}
        self.out_channels = CHANNELS
        self.strides = {key: 2 ** int(key[1]) for key in CHANNELS}
        filters = 3 * STEM_FILTERS
        self.stem = nn.Sequential(
            # a filter bank for each colour, then a mixture of them, with nothing in between
            Conv2dSame(3, filters, 7, stride=2, groups=3, bias=False),
            _layer(filters, STEM_CHANNELS),
            MaxPool2dSame(3, stride=2),
            _layer(STEM_CHANNELS, STEM_CHANNELS, std=0.1),
            _layer(STEM_CHANNELS, CHANNELS["c2"], kernel_size=3),
        )
        initialise(self.stem[:2], std=1.0)
        self.pool = MaxPool2dSame(3, stride=2)
        self.c3 = _blocks(CHANNELS["c2"], BLOCKS["c3"])
        self.c4 = _blocks(CHANNELS["c3"], BLOCKS["c4"])
        self.c5 = _blocks(CHANNELS["c4"], BLOCKS["c5"])

    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        c2 = self.stem(image)
        c3 = self.c3(self.pool(c2))
        return {"c2": c2, "c3": c3, "c4": self.c4(c3)}

    def tail(self, c4: Tensor) -> Tensor:
        c5: Tensor = self.c5(c4)
        return c5


class MixedBlock(nn.Module):
    """Convolutions of several sizes and a pooling side by side, their channels joined.

    Args:
        in_channels: Channels of the input.
        mixed: Its line of the table.
    """

    def __init__(self, in_channels: int, mixed: Mixed) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            _branch(in_channels, widths, stride=mixed.stride) for widths in mixed.branches
        )
        pooling = nn.Sequential(mixed.pool(stride=mixed.stride))
        if mixed.pooled:
            pooling.append(_layer(in_channels, mixed.pooled, std=0.1))
        self.branches.append(pooling)
        convolved = sum(widths[-1] for widths in mixed.branches)
        self.out_channels = convolved + (mixed.pooled or in_channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def _blocks(in_channels: int, table: Sequence[Mixed]) -> nn.Sequential:
    blocks = nn.Sequential()
    for mixed in table:
        block = MixedBlock(in_channels, mixed)
        in_channels = block.out_channels
        blocks.append(block)
    return blocks


def _branch(in_channels: int, widths: Sequence[int], *, stride: int) -> nn.Sequential:
    """A 1x1 convolution, then 3x3 ones, the last of them with the stride."""
    first, *others = widths
    branch = nn.Sequential(_layer(in_channels, first, std=0.09 if others else None))
    for number, (before, after) in enumerate(pairwise(widths), start=1):
        last = number == len(others)
        branch.append(_layer(before, after, kernel_size=3, stride=stride if last else 1))
    return branch


def _layer(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: int = 1,
    stride: int = 1,
    std: float | None = None,
) -> ConvNormAct:
    """A convolution with batch norm and ReLU, as TF-slim initialises it."""
    layer = ConvNormAct(
        in_channels, out_channels, kernel_size=kernel_size, stride=stride, relu6=False
    )
    # 1.3 makes up for the variance that is lost by cutting the distribution
    initialise(layer, std=std or math.sqrt(1.3 * 2 / (in_channels * kernel_size**2)))
    return layer
