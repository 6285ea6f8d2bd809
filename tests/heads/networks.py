"""Networks for tests of the heads."""

from typing import Any

import torch
from torch import Tensor, nn

from backbone.loading import load_tensors
from backbone.mobilenet import MobileNet
from backbone.weights import Weights
from heads.classification import ClassificationHead
from heads.detection.losses import SigmoidCrossEntropy
from heads.ssd import SSDHead


class Network(nn.Module):
    """A backbone and a head, named as in weights files."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head


def from_weights(weights: Weights, *, dtype: torch.dtype = torch.float32) -> Network:
    """The network that a weights file describes, with every tensor of it in place."""
    description = weights.description
    settings = {key: value for key, value in description["backbone"].items() if key != "name"}
    backbone = MobileNet(**settings)
    num_classes = len(description["label_map"]["names"])
    if description["head"]["name"] == "classification":
        head = ClassificationHead(in_channels=backbone.out_channels, num_classes=num_classes)
    else:
        head = SSDHead(
            in_channels=backbone.out_channels,
            num_classes=num_classes + 1,
            classification=SigmoidCrossEntropy(),
        )
    network = Network(backbone, head).eval().to(dtype)
    report = load_tensors(network, weights.tensors)
    assert report.started_anew == report.unused == []
    return network


SIDE = 64
NUM_CLASSES = 4  # background included
CHANNELS = {"c4": 16, "c5": 32}


def small_head(**settings: Any) -> SSDHead:
    """An SSD head of 96 anchors for images of 64 pixels, in eval mode: its last map is 1x1."""
    torch.manual_seed(0)
    arguments = {"classification": SigmoidCrossEntropy()} | settings
    return SSDHead(in_channels=CHANNELS, num_classes=NUM_CLASSES, **arguments).eval()


def random_features(num_images: int, side: int = SIDE) -> dict[str, Tensor]:
    return {
        key: torch.randn(num_images, number, -(-side // stride), -(-side // stride))
        for (key, number), stride in zip(CHANNELS.items(), (16, 32), strict=True)
    }


def batch_of(
    boxes: list[list[list[float]]], labels: list[list[int]], *, side: int = SIDE
) -> dict[str, Tensor]:
    """A padded batch."""
    longest = max(map(len, boxes), default=0)
    padded = torch.zeros(len(boxes), longest, 4)
    numbers = torch.full((len(boxes), longest), -1)
    for row, (some, classes) in enumerate(zip(boxes, labels, strict=True)):
        padded[row, : len(some)] = torch.tensor(some).reshape(-1, 4)
        numbers[row, : len(some)] = torch.tensor(classes)
    image = torch.zeros(len(boxes), 3, side, side)
    return {"image": image, "boxes": padded, "labels": numbers}
