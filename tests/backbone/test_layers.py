"""Padding against a slow loop, and the block that everything is made of."""

import numpy as np
import pytest
import torch
from torch import nn

from backbone.layers import Conv2dSame, ConvNormAct, MaxPool2dSame, initialise, same_padding


def slow_same_convolution(image: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """TensorFlow's SAME by its definition: ``(H, W)`` image, ``(k, k)`` filter, zeros outside."""
    kernel = len(weight)
    sides = [-(-side // stride) for side in image.shape]
    before = [
        max((sides[i] - 1) * stride + kernel - image.shape[i], 0) // 2 for i in range(image.ndim)
    ]
    output = np.zeros(sides)
    for y, x in np.ndindex(*sides):
        for dy, dx in np.ndindex(kernel, kernel):
            row, column = y * stride - before[0] + dy, x * stride - before[1] + dx
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                output[y, x] += image[row, column] * weight[dy, dx]
    return output


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 7), (7, 10), (1, 2), (2, 5)])
def test_convolution_pads_as_tensorflow(kernel: int, stride: int, height: int, width: int) -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 1, height, width)
    convolution = Conv2dSame(1, 1, kernel, stride, bias=False)
    expected = slow_same_convolution(
        image[0, 0].numpy(), convolution.weight[0, 0].detach().numpy(), stride
    )
    found = convolution(image)[0, 0].detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "expected"),
    [
        (224, 3, 2, (0, 1)),  # even: nothing on the left
        (225, 3, 2, (1, 1)),
        (10, 3, 1, (1, 1)),
        (10, 1, 2, (0, 0)),  # the filter is smaller than its step
        (1, 3, 2, (1, 1)),
        (8, 2, 1, (0, 1)),
    ],
)
def test_pixels_added(side: int, kernel: int, stride: int, expected: tuple[int, int]) -> None:
    assert same_padding(side, kernel, stride) == expected


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 7), (7, 10), (1, 2), (2, 5)])
def test_pooling_pads_as_tensorflow(kernel: int, stride: int, height: int, width: int) -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 2, height, width) - 5  # zeros would show
    (top, bottom), (left, right) = (same_padding(side, kernel, stride) for side in (height, width))
    padded = nn.functional.pad(image, (left, right, top, bottom), value=-torch.inf)
    expected = nn.functional.max_pool2d(padded, kernel, stride)
    assert torch.equal(MaxPool2dSame(kernel, stride=stride)(image), expected)


def test_groups_and_bias_count() -> None:
    torch.manual_seed(0)
    ours = Conv2dSame(4, 8, 3, groups=4)
    theirs = nn.Conv2d(4, 8, 3, padding=1, groups=4)
    theirs.load_state_dict(ours.state_dict())
    image = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(ours(image), theirs(image))


@pytest.mark.parametrize(("relu6", "expected"), [(True, 6.0), (False, 100.0)])
def test_activation_is_clipped_as_asked(relu6: bool, expected: float) -> None:
    block = ConvNormAct(1, 1, kernel_size=1, relu6=relu6).eval()
    nn.init.constant_(block.conv.weight, (1 + block.norm.eps) ** 0.5)  # batch norm divides by it
    values = block(torch.tensor([-100.0, 100.0]).view(1, 1, 1, 2)).flatten()
    torch.testing.assert_close(values, torch.tensor([0.0, expected]))


@pytest.mark.parametrize("same", [True, False])
def test_symmetric_padding_is_a_choice(same: bool) -> None:
    torch.manual_seed(0)
    block = ConvNormAct(3, 8, kernel_size=3, stride=2, same=same).eval()
    theirs = nn.Conv2d(3, 8, 3, 2, padding=1, bias=False)
    theirs.weight = block.conv.weight
    image = torch.randn(1, 3, 6, 6)
    equal = torch.allclose(block.conv(image), theirs(image), atol=1e-6)
    assert equal is not same


def test_initial_weights_are_cut_at_two_deviations() -> None:
    torch.manual_seed(0)
    layers = nn.ModuleList([nn.Conv2d(50, 50, 3), nn.Linear(100, 100), nn.BatchNorm2d(3)])
    initialise(layers, std=0.09)
    for layer in layers[:2]:
        assert layer.weight.abs().max() <= 0.18
        # a normal distribution cut at two deviations keeps 88% of its deviation
        assert layer.weight.std().item() == pytest.approx(0.88 * 0.09, rel=0.03)
        assert not layer.bias.any()
    assert (layers[2].weight == 1).all()
