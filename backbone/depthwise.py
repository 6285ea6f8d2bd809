"""A depthwise convolution with a stride that trains fast on a CPU."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class StridedDepthwise(torch.autograd.Function):
    """``conv2d`` without padding, one filter a channel, with a fast gradient in bfloat16.

    oneDNN differentiates it by the image with its kernel for groups in general, 2 to 14 times as
    slow as what is done here: the output's gradient is spread out to stride 1, where the depthwise
    kernel does the rest. The sums are the same.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, stride: tuple[int, int]) -> Tensor:
        """As ``torch.nn.functional.conv2d``.

        Args:
            ctx: Keeps what the gradient needs.
            image: Shape ``(B, C, H, W)``, padded.
            weight: Shape ``(C, 1, K, K)``.
            stride: Rows and columns.
        """
        ctx.save_for_backward(image, weight)
        ctx.stride = stride
        return F.conv2d(image, weight, None, stride, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients by the image and the weight."""
        (grad,) = grads
        image, weight = ctx.saved_tensors
        settings = (None, ctx.stride, (0, 0), (1, 1), False, (0, 0), len(weight))
        _, grad_weight, _ = torch.ops.aten.convolution_backward(
            grad, image, weight, *settings, (False, True, False)
        )
        kernel = weight.shape[-1]
        rows, columns = image.shape[2] - kernel + 1, image.shape[3] - kernel + 1
        spread = torch.empty(
            (*image.shape[:2], rows, columns),
            dtype=grad.dtype,
            memory_format=torch.channels_last,
        ).zero_()
        spread[..., :: ctx.stride[0], :: ctx.stride[1]] = grad
        flipped = weight.flip(2, 3)
        grad_image = F.conv2d(spread, flipped, padding=kernel - 1, groups=len(weight))
        return grad_image, grad_weight, None
