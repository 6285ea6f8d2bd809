"""Convolution and pooling padded as TensorFlow's, and the block most layers are made of."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backbone.depthwise import StridedDepthwise

BATCH_NORM_EPSILON = 1e-3  # TF-slim's MobileNet v1 release, as are the folded published weights

# The published decay of 0.9997 needs some ten thousand steps before running statistics mean
# anything; 0.97 is what the same authors' later 300x300 SSD configuration uses.
BATCH_NORM_MOMENTUM = 0.03


class Conv2dSame(nn.Conv2d):
    """Convolution padded as TensorFlow's ``SAME``: output side is ``ceil(input / stride)``.

    The padding is asymmetric where it is odd: the extra row and column go to the bottom right.
    """

    def forward(self, image: Tensor) -> Tensor:
        (top, bottom), (left, right) = (
            same_padding(side, kernel, stride)
            for side, kernel, stride in zip(
                image.shape[-2:], self.kernel_size, self.stride, strict=True
            )
        )
        slow = self._is_slow_to_differentiate(image)
        # The convolution pads by itself, without a copy. But not a single pixel: oneDNN's bfloat16
        # kernel leaves uninitialised memory in the gradient of the weights that see only padding.
        if (top, left) == (bottom, right) and min(image.shape[-2:]) > 1 and not slow:
            return F.conv2d(
                image, self.weight, self.bias, self.stride, (top, left), groups=self.groups
            )
        image = F.pad(image, (left, right, top, bottom))
        if slow:
            output: Tensor = StridedDepthwise.apply(image, self.weight.to(image.dtype), self.stride)
            return output
        return F.conv2d(image, self.weight, self.bias, self.stride, groups=self.groups)

    def _is_slow_to_differentiate(self, image: Tensor) -> bool:
        strided_depthwise = self.groups == self.out_channels > 1 and max(self.stride) > 1
        on_cpu = image.dtype == torch.bfloat16 and image.device.type == "cpu"
        return strided_depthwise and on_cpu and self.bias is None and torch.is_grad_enabled()


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels to add before and after a side so that the output has ``ceil(side / stride)``.

    >>> same_padding(300, 3, 2), same_padding(75, 3, 2)
    ((0, 1), (1, 1))
    """
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


class MaxPool2dSame(nn.Module):
    """Maximum over windows padded as TensorFlow's ``SAME``; the padding is never the maximum.

    Args:
        kernel_size: Side of the square window, an odd number.
        stride: Step of the window.
    """

    def __init__(self, kernel_size: int, *, stride: int = 1) -> None:
        super().__init__()
        assert kernel_size % 2
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, image: Tensor) -> Tensor:
        before = [same_padding(side, self.kernel_size, self.stride)[0] for side in image.shape[-2:]]
        # rounding up stands for an extra row and column at the bottom right, without a copy
        return F.max_pool2d(image, self.kernel_size, self.stride, before, ceil_mode=True)


class ConvNormAct(nn.Sequential):
    """Convolution without bias, batch norm, ReLU6 (or ReLU).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Side of the square filter.
        stride: Step of the filter.
        groups: ``in_channels`` for a depthwise filter.
        same: Pad as TensorFlow's SAME; otherwise ``kernel_size // 2`` on every side.
        relu6: Clip activations at 6, as the released networks do; the paper says ReLU.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        same: bool = True,
        relu6: bool = True,
    ) -> None:
        super().__init__()
        conv = Conv2dSame if same else nn.Conv2d
        self.conv = conv(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding=0 if same else kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(
            out_channels, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM
        )
        self.act = nn.ReLU6(inplace=True) if relu6 else nn.ReLU(inplace=True)


def average(feature: Tensor) -> Tensor:
    """The mean of each channel, shape ``(B, C)``, of a feature of shape ``(B, C, H, W)``."""
    return feature.mean(dim=(2, 3), keepdim=True).flatten(1)  # as phones' libraries take a mean


def initialise(module: nn.Module, *, std: float) -> None:
    """Draws convolution weights from a normal distribution cut at two deviations, biases zero.

    Args:
        module: Everything below it is initialised.
        std: 0.09 for TF-slim's MobileNet, 0.03 for the published detection heads.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
