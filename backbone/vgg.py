"""VGG16 (Simonyan and Zisserman 2015) and the variant of it that SSD was built on."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backbone.backbone import Backbone

# Table 1, column D: output channels of the thirteen 3x3 convolutions. A pooling by two stands
# between the groups, so that group k works at stride 2^k and gives ``ck``.
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
POOLED_SIDE = 7  # of the map that the fully connected layers were trained on
HIDDEN = 4096

# The statistics of ImageNet's photos that the published weights expect, red, green, blue in [0, 1].
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class _Trunk(Backbone):
    """The convolutions that both variants share.

    Args:
        round_up: Let pooling see a last odd row and column, with what is missing left out.
    """

    def __init__(self, *, round_up: bool) -> None:
        super().__init__()
        self.round_up = round_up
        self.settings = {}
        channels = [3, *(stage[-1] for stage in STAGES)]
        self.stages = nn.ModuleList(
            _stage(before, widths) for before, widths in zip(channels, STAGES, strict=False)
        )
        # Not saved: every network has the same.
        self.register_buffer("mean", _by_channel(MEAN), persistent=False)
        self.register_buffer("deviation", _by_channel(DEVIATION), persistent=False)

    mean: Tensor
    deviation: Tensor

    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        # before the first convolution pads with zeros, which stand for the mean
        x = ((image + 1) / 2 - self.mean) / self.deviation
        features = {}
        for level, stage in enumerate(self.stages):
            if level:
                x = F.max_pool2d(x, 2, ceil_mode=self.round_up)
            x = features[f"c{level}"] = stage(x)
        return {key: features[key] for key in ("c2", "c3", "c4")}


class VGG16(_Trunk):
    """VGG16 whose ``c5`` is the last hidden layer, one vector for an image or a crop of ``c4``.

    Pooling rounds down, as in the original: a side of 300 pixels gives 75, 37 and 18. Crops of
    14x14, as Faster R-CNN takes them, are halved to the 7x7 that the fully connected layers need.
    """

    name = "vgg16"

    def __init__(self) -> None:
        super().__init__(round_up=False)
        self.out_channels = {"c2": 256, "c3": 512, "c4": 512, "c5": HIDDEN}
        self.strides = {"c2": 4, "c3": 8, "c4": 16}  # c5 has no places left
        self.fc6 = nn.Linear(self.out_channels["c4"] * POOLED_SIDE**2, HIDDEN)
        self.fc7 = nn.Linear(HIDDEN, HIDDEN)
        self.dropout = nn.Dropout(0.5)
        _initialise(self)

    def tail(self, c4: Tensor) -> Tensor:
        pooled = F.max_pool2d(c4, 2)
        x = F.adaptive_avg_pool2d(pooled, POOLED_SIDE).flatten(1)  # images of other sizes than 224
        for layer in (self.fc6, self.fc7):
            x = self.dropout(F.relu(layer(x)))
        return x[:, :, None, None]


class DeepLabVGG16(_Trunk):
    """VGG16 with convolutions in the place of the fully connected layers (SSD, section 3).

    They are dilated rather than pooled, so that ``c5`` keeps the stride of ``c4``. SSD predicts on
    ``c3``, the network's conv4_3, and on ``c5``: 38x38 and 19x19 for 300 pixels. Pooling rounds up.
    """

    name = "vgg16_deeplab"
    also_loads = (VGG16.name,)  # an imported file has the layers of both

    def __init__(self) -> None:
        super().__init__(round_up=True)
        self.out_channels = {"c2": 256, "c3": 512, "c4": 512, "c5": 1024}
        self.strides = {"c2": 4, "c3": 8, "c4": 16, "c5": 16}
        self.conv6 = nn.Conv2d(512, 1024, 3, padding=6, dilation=6)
        self.conv7 = nn.Conv2d(1024, 1024, 1)
        _initialise(self)

    def tail(self, c4: Tensor) -> Tensor:
        x = F.max_pool2d(c4, 3, stride=1, padding=1)
        return F.relu(self.conv7(F.relu(self.conv6(x))))


def _stage(in_channels: int, widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise((in_channels, *widths)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _by_channel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(-1, 1, 1)


def _initialise(module: nn.Module) -> None:
    """Keeps the activations' variance through the layers: no batch norm would mend it."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
