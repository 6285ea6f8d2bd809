"""MobileNet v1 (Howard et al. 2017), Table 1 read top to bottom, and what it is compared with."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from backbone.backbone import Backbone
from backbone.errors import check_flag, check_number
from backbone.layers import ConvNormAct, initialise

STEM_CHANNELS = 32
MAX_WIDTH = 8  # where the weights take a gigabyte, and wider ones soon all memory

# Table 1: output channels and stride of the thirteen separable blocks. The paper prints stride 2
# for the last one; only stride 1 gives its 569 million mult-adds.
BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)

# Section 4.1: the same without the five blocks that change neither channels nor resolution.
SHALLOW_BLOCKS = (*BLOCKS[:6], *BLOCKS[11:])


class ConvBlock(nn.Sequential):
    """One full 3x3 convolution, for which a separable block stands (section 4.1)."""

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int, same: bool, relu6: bool
    ) -> None:
        super().__init__()
        self.full = ConvNormAct(
            in_channels, out_channels, kernel_size=3, stride=stride, same=same, relu6=relu6
        )


class SeparableBlock(nn.Sequential):
    """A 3x3 filter per channel, then a 1x1 convolution across channels (section 3.1)."""

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int, same: bool, relu6: bool
    ) -> None:
        super().__init__()
        self.depthwise = ConvNormAct(
            in_channels,
            in_channels,
            kernel_size=3,
            stride=stride,
            groups=in_channels,
            same=same,
            relu6=relu6,
        )
        self.pointwise = ConvNormAct(
            in_channels, out_channels, kernel_size=1, same=same, relu6=relu6
        )


class MobileNet(Backbone):
    """MobileNet v1 as a feature extractor.

    Args:
        width: The paper's alpha, multiplies every channel count.
        same_padding: Pad as TensorFlow's SAME (the paper and its weights) or symmetrically
            (what timm's port was trained with).
        relu6: Clip activations at 6, as the released weights expect.

    Raises:
        InputError: If ``width`` is no positive number up to ``MAX_WIDTH``, or a flag is no flag.
    """

    name = "mobilenet"
    block: type[SeparableBlock] | type[ConvBlock] = SeparableBlock
    table: Sequence[tuple[int, int]] = BLOCKS

    def __init__(
        self, *, width: float = 1.0, same_padding: bool = True, relu6: bool = True
    ) -> None:
        super().__init__()
        check_number("backbone.width", width, above=0, at_most=MAX_WIDTH)
        check_flag("backbone.same_padding", same_padding)
        check_flag("backbone.relu6", relu6)
        widths_at_1 = (STEM_CHANNELS, *(channels for channels, _ in self.table))
        channels = [scaled_channels(count, width) for count in widths_at_1]
        self.stem = ConvNormAct(
            3, channels[0], kernel_size=3, stride=2, same=same_padding, relu6=relu6
        )
        self.blocks = nn.ModuleList(
            self.block(before, after, stride=stride, same=same_padding, relu6=relu6)
            for before, after, (_, stride) in zip(channels, channels[1:], self.table, strict=False)
        )
        self.feature_blocks = last_blocks(self.table)
        self.out_channels = {key: channels[block] for key, block in self.feature_blocks.items()}
        self.settings = {"width": width, "same_padding": same_padding, "relu6": relu6}
        self.strides = {key: 2 ** int(key[1]) for key in self.feature_blocks}
        initialise(self, std=0.09)

    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        x = self.stem(image)
        features = {}
        names = {block: key for key, block in self.feature_blocks.items()}
        for number in range(1, self.feature_blocks["c4"] + 1):
            x = self.blocks[number - 1](x)
            if number in names:
                features[names[number]] = x
        return features

    def tail(self, c4: Tensor) -> Tensor:
        for block in self.blocks[self.feature_blocks["c4"] :]:
            c4 = block(c4)
        return c4


class ConvMobileNet(MobileNet):
    """MobileNet of full convolutions, which cost eight times as much (Table 4)."""

    name = "conv_mobilenet"
    block = ConvBlock


class ShallowMobileNet(MobileNet):
    """MobileNet of eight blocks, at the cost of the 0.75 MobileNet (Table 5)."""

    name = "shallow_mobilenet"
    table = SHALLOW_BLOCKS


def last_blocks(table: Sequence[tuple[int, int]]) -> dict[str, int]:
    """The number of the last block of each resolution, from 1; key ``ck`` has stride 2^k.

    >>> last_blocks(BLOCKS)
    {'c2': 3, 'c3': 5, 'c4': 11, 'c5': 13}
    """
    blocks, level = {}, 1  # the stem halves the image
    for number, (_, stride) in enumerate(table, start=1):
        level += stride == 2
        blocks[f"c{level}"] = number
    return {key: blocks[key] for key in ("c2", "c3", "c4", "c5")}


def scaled_channels(channels: int, width: float) -> int:
    """Channels under a width multiplier, at least 8 (TF-slim's ``min_depth``).

    >>> scaled_channels(32, 0.75), scaled_channels(64, 0.1)
    (24, 8)
    """
    return max(int(channels * width), 8)


def released_settings(tensors: Mapping[str, Tensor], *, same_padding: bool) -> dict[str, Any]:
    """Settings of ``MobileNet`` that fit released tensors; all known ones use ReLU6."""
    channels = tensors["blocks.0.pointwise.conv.weight"].shape[0]
    return {"width": channels / BLOCKS[0][0], "same_padding": same_padding, "relu6": True}
