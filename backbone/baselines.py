"""The networks that MobileNet is compared with on ImageNet and on dogs: torchvision's, cut in two.

Of each the classifier is left out, and so are the side heads that MobileNet does without.
"""

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn
from torchvision import models

from backbone.backbone import Backbone


class _Stages(Backbone):
    """Stages that follow each other, each giving a feature.

    Args:
        stages: The layers of each, by the name of its feature, ``c2`` to ``c5``.
        out_channels: Of each.
    """

    def __init__(self, stages: Mapping[str, nn.Module], *, out_channels: Mapping[str, int]) -> None:
        super().__init__()
        self.settings = {}
        self.out_channels = out_channels
        self.strides = {key: 2 ** int(key[1]) for key in out_channels}
        self.stages = nn.ModuleDict(stages)

    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        features = {}
        x = image
        for key in ("c2", "c3", "c4"):
            x = features[key] = self.stages[key](x)
        return features

    def tail(self, c4: Tensor) -> Tensor:
        c5: Tensor = self.stages["c5"](c4)
        return c5


class GoogLeNet(_Stages):
    """GoogLeNet (Szegedy et al. 2015), with batch norm and 3x3 for 5x5, as torchvision has it."""

    name = "googlenet"

    def __init__(self) -> None:
        network = models.googlenet(aux_logits=False, init_weights=False)
        stages = {
            "c2": _layers(network, "conv1", "maxpool1", "conv2", "conv3"),
            "c3": _layers(network, "maxpool2", "inception3a", "inception3b"),
            "c4": _layers(network, "maxpool3", *(f"inception4{part}" for part in "abcde")),
            "c5": _layers(network, "maxpool4", "inception5a", "inception5b"),
        }
        super().__init__(stages, out_channels={"c2": 192, "c3": 480, "c4": 832, "c5": 1024})


class SqueezeNet(_Stages):
    """SqueezeNet 1.0 (Iandola et al. 2016), whose last module works at stride 16 as the fourth."""

    name = "squeezenet"
    loses_edges = True

    def __init__(self) -> None:
        layers = models.squeezenet1_0().features
        stages = {"c2": layers[:6], "c3": layers[6:11], "c4": layers[11:12], "c5": layers[12:]}
        super().__init__(stages, out_channels={"c2": 256, "c3": 512, "c4": 512, "c5": 512})
        self.strides = {"c2": 4, "c3": 8, "c4": 16, "c5": 16}


class AlexNet(_Stages):
    """AlexNet of one column (Krizhevsky 2014); ``c5`` is the last hidden layer, one vector."""

    name = "alexnet"
    loses_edges = True
    min_side = 63

    def __init__(self) -> None:
        network = models.alexnet()
        layers = network.features
        stages = {
            "c2": layers[:2],
            "c3": layers[2:5],
            "c4": layers[5:12],
            "c5": nn.Sequential(
                layers[12:],
                network.avgpool,
                nn.Flatten(),
                network.classifier[:6],
                nn.Unflatten(1, (-1, 1, 1)),
            ),
        }
        super().__init__(stages, out_channels={"c2": 64, "c3": 192, "c4": 256, "c5": 4096})
        self.strides = {"c2": 4, "c3": 8, "c4": 16}


class InceptionV3(_Stages):
    """Inception V3 (Szegedy et al. 2016), whose layers pad less than others'."""

    name = "inception_v3"
    loses_edges = True
    min_side = 75

    def __init__(self) -> None:
        network = models.inception_v3(aux_logits=False, init_weights=False)
        stem = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1")
        stages = {
            "c2": _layers(network, *stem, "Conv2d_4a_3x3"),
            "c3": _layers(network, "maxpool2", *(f"Mixed_5{part}" for part in "bcd")),
            "c4": _layers(network, *(f"Mixed_6{part}" for part in "abcde")),
            "c5": _layers(network, *(f"Mixed_7{part}" for part in "abc")),
        }
        super().__init__(stages, out_channels={"c2": 192, "c3": 288, "c4": 768, "c5": 2048})


def _layers(network: nn.Module, *names: str) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, getattr(network, name)) for name in names))
