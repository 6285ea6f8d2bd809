"""The gradient of the strided depthwise convolution against torch's own."""

import pytest
import torch
import torch.nn.functional as F

from backbone.depthwise import StridedDepthwise
from backbone.layers import Conv2dSame


@pytest.mark.parametrize("side", [5, 8, 19])
@pytest.mark.parametrize("stride", [(2, 2), (3, 1)])
def test_gradients_equal_torchs(side: int, stride: tuple[int, int]) -> None:
    torch.manual_seed(0)
    image = torch.randn(2, 6, side, side, dtype=torch.double, requires_grad=True)
    weight = torch.randn(6, 1, 3, 3, dtype=torch.double, requires_grad=True)
    ours = StridedDepthwise.apply(image, weight, stride)
    theirs = F.conv2d(image, weight, None, stride, groups=6)
    assert torch.equal(ours, theirs)
    along = torch.randn_like(theirs)
    for a, b in zip(
        torch.autograd.grad(ours, (image, weight), along),
        torch.autograd.grad(theirs, (image, weight), along),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_layer_trains_in_bfloat16_as_in_float32() -> None:
    torch.manual_seed(0)
    layer = Conv2dSame(8, 8, 3, stride=2, groups=8, bias=False)
    image = torch.randn(2, 8, 18, 18)
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        layer.zero_grad()
        layer.to(dtype)(image.to(dtype)).float().square().sum().backward()
        gradients.append(layer.weight.grad.float())
    torch.testing.assert_close(*gradients, rtol=0.05, atol=0.05 * float(gradients[0].abs().max()))
