"""Heat maps of a network whose deciding part is known."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backbone.backbone import Backbone
from backbone.baselines import AlexNet, SqueezeNet
from backbone.mobilenet import MobileNet
from heads.classification import ClassificationHead
from tasks.classification.heat_maps import heat_maps, paint_heat
from tasks.common.images.crops import centre_box


class Averages(Backbone):
    """Features are the colours of an image's 32-pixel cells."""

    name = "averages"

    def __init__(self) -> None:
        super().__init__()
        self.settings = {}
        self.out_channels = {"c4": 3, "c5": 3}
        self.strides = {"c4": 16, "c5": 32}
        self.pool = nn.AvgPool2d(16)

    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        return {"c4": self.pool(image)}

    def tail(self, c4: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(c4, 2)


def head_for(backbone: Backbone, num_classes: int = 3) -> ClassificationHead:
    torch.manual_seed(0)
    return ClassificationHead(in_channels=backbone.out_channels, num_classes=num_classes).eval()


def test_the_heat_is_where_the_class_is() -> None:
    """Of red and green cells, red ones speak for class 0 and against class 1; none for class 2."""
    backbone = Averages()
    head = head_for(backbone)
    head.linear.weight.data = torch.tensor([[1.0, 0, 0], [-1, 1, 0], [0, 0, 1]])
    image = torch.zeros(3, 3, 96, 96)
    image[:, 0, :32, 64:] = 1.0  # the upper right cell
    image[:, 0, 64:, :32] = 0.5  # the lower left one
    image[:, 1, 32:64, 32:64] = 1.0  # the middle
    classes = torch.tensor([0, 1, 2])
    heat = heat_maps(backbone(image), classes, backbone=backbone, head=head)
    assert heat.tolist() == [
        [[0, 0, 1], [0, 0, 0], [0.5, 0, 0]],
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        [[0, 0, 0]] * 3,
    ]


@pytest.mark.parametrize("make", [partial(MobileNet, width=0.25), SqueezeNet, AlexNet])
def test_heat_equals_the_formula(make: Callable[[], Backbone]) -> None:
    """Grad-CAM's: channels weighted by their mean gradient; in inference mode, weights frozen."""
    torch.manual_seed(0)
    backbone = make().eval().requires_grad_(False)
    head = head_for(backbone).requires_grad_(False)
    head.linear.weight.abs_()  # all that is seen speaks for every class
    image = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    classes = torch.tensor([2, 0])
    with torch.inference_mode():
        heat = heat_maps(backbone(image), classes, backbone=backbone, head=head)
    c4 = backbone.trunk(image)["c4"].requires_grad_()
    c5 = backbone.tail(c4)
    last = c4 if backbone.name == "alexnet" else c5
    chosen = head.outputs({"c5": c5})[torch.arange(2), classes].sum()
    (gradient,) = torch.autograd.grad(chosen, last)
    expected = (gradient.mean((2, 3), keepdim=True) * last).sum(1).relu()
    expected = expected / expected.amax((1, 2), keepdim=True).clamp_min(1e-30)
    torch.testing.assert_close(heat, expected.detach())
    assert heat.shape[1] > 1 and (heat > 0).any()


def test_heat_is_painted_where_the_network_looked() -> None:
    """One hot cell of 2x2, the lower right one, on a wide grey photo."""
    photo = np.full((256, 512, 3), 128, np.uint8)
    box = centre_box(512, 256, 224)
    assert box == (144, 16, 368, 240)
    painted = paint_heat(photo, [[0, 0], [0, 1]], box=box)
    changed = (painted != photo).any(axis=2)
    rows, columns = changed.nonzero()
    assert (photo == 128).all()
    assert columns.min() >= 200 and columns.max() == 367  # nothing outside the crop
    assert rows.min() >= 72 and rows.max() == 239
    red, green, blue = painted[220, 350].astype(int)
    assert min(red, green) > 200 > blue  # yellow


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3)])
def test_thin_photos_are_painted_too(size: tuple[int, int]) -> None:
    width, height = size
    photo = np.zeros((height, width, 3), np.uint8)
    painted = paint_heat(photo, [[1.0] * 7] * 7, box=centre_box(width, height, 224))
    assert painted.shape == photo.shape and painted.any()
