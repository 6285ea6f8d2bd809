"""Two-stage detectors for tests of the heads."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from heads.detection.proposals import ProposalNetwork
from heads.faster_rcnn import FasterRCNNHead
from heads.faster_rcnn_fpn import PyramidRCNNHead
from heads.mask_rcnn import MaskRCNNHead
from tests.heads.networks import NUM_CLASSES, batch_of

SIDE = 96
CHANNELS = {"c3": 8, "c4": 16, "c5": 24}
ANCHOR_SIDES = [16.0, 32.0, 64.0]


def proposals(**settings: Any) -> Any:
    return partial(
        ProposalNetwork, **{"anchor_sides": [ANCHOR_SIDES], "num_proposals": 50} | settings
    )


def faster_rcnn(*, first: dict[str, Any] | None = None, **settings: Any) -> FasterRCNNHead:
    """A head for images of 96 pixels with a tail of its own, whose outputs are far from zero."""
    torch.manual_seed(0)
    head = FasterRCNNHead(
        in_channels=CHANNELS,
        num_classes=NUM_CLASSES,
        proposals=proposals(**first or {}),
        **{"crop_size": 6} | settings,
    )
    head.tail = nn.Sequential(nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU()).forward
    return enlarged(head)


def pyramid(**settings: Any) -> PyramidRCNNHead:
    """The same on a pyramid."""
    torch.manual_seed(0)
    head = PyramidRCNNHead(
        in_channels=CHANNELS,
        num_classes=NUM_CLASSES,
        proposals=proposals(anchor_sides=[[side] for side in (16, 24, 48, 96)]),
        map_channels=12,
        region_channels=16,
        **settings,
    )
    return enlarged(head)


def mask_rcnn(**settings: Any) -> MaskRCNNHead:
    """A head for images of 96 pixels, whose boxes are those of ``faster_rcnn``."""
    torch.manual_seed(0)
    head = MaskRCNNHead(
        in_channels=CHANNELS,
        num_classes=NUM_CLASSES,
        proposals=proposals(),
        mask_channels=8,
        **{"crop_size": 6} | settings,
    )
    for layer in (*head.mask_branch, head.mask_layer):
        for weight in (x for x in layer.parameters() if x.ndim == 4):
            nn.init.normal_(weight, std=0.5)
    enlarged(head).load_state_dict(faster_rcnn().state_dict(), strict=False)
    head.tail = faster_rcnn().tail
    return head


def enlarged(head: Any) -> Any:
    """As new, the layers of a head say nearly the same of everything."""
    first = head.proposals
    for layer in (first.objectness_layer, head.class_layer):
        nn.init.normal_(layer.weight, std=0.5)
    for layer in (first.conv, first.box_layer, head.box_layer):
        nn.init.normal_(layer.weight, std=0.1)
    return head.eval()


def random_features(num_images: int, side: int = SIDE) -> dict[str, Tensor]:
    return {
        key: torch.randn(num_images, number, side // stride, side // stride)
        for (key, number), stride in zip(CHANNELS.items(), (8, 16, 32), strict=True)
    }


def random_batch(counts: list[int], *, side: int = SIDE) -> dict[str, Tensor]:
    boxes = []
    for number in counts:
        low = torch.rand(number, 2) * side * 0.6
        boxes.append(
            torch.cat([low, low + 4 + torch.rand(number, 2) * side * 0.35], dim=1).tolist()
        )
    labels = [torch.randint(0, NUM_CLASSES - 1, (number,)).tolist() for number in counts]
    return batch_of(boxes, labels, side=side)
