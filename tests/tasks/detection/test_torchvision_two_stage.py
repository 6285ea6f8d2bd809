"""The peer of the benchmark computes what our two-stage heads do."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from backbone.mobilenet import MobileNet
from heads.detection.crops import crop
from heads.detection.proposals import ProposalNetwork
from heads.detection.two_stage import TwoStageHead
from heads.faster_rcnn import FasterRCNNHead
from heads.faster_rcnn_fpn import PyramidRCNNHead
from tasks.detection.bench.torchvision_two_stage import torchvision_faster_rcnn

SIDE = 128
ANCHORS = {
    FasterRCNNHead: [[32.0, 64.0]],
    PyramidRCNNHead: [[16.0], [32.0], [64.0], [128.0]],
}


class AlignedCrops(nn.Module):
    """torchvision's several maps are cropped half a cell aside; ours are not."""

    def __init__(self, head: TwoStageHead) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "strides": head.crop_strides,
            "size": head.crop_size,
            "samples": head.crop_samples,
        }

    def forward(self, maps: dict[str, Tensor], boxes: list[Tensor], _: Any) -> Tensor:
        used = list(maps.values())[: len(self.settings["strides"])]
        images = [
            crop([x[i : i + 1] for x in used], some[None], **self.settings)
            for i, some in enumerate(boxes)
        ]
        return torch.cat(images)


def settled(kind: type[TwoStageHead]) -> tuple[MobileNet, TwoStageHead, Tensor]:
    """A network whose outputs differ from place to place, and two images."""
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = kind(
        in_channels=backbone.out_channels,
        num_classes=4,
        proposals=partial(ProposalNetwork, anchor_sides=ANCHORS[kind], num_proposals=30),
        score_threshold=0.2,
        max_candidates=10_000,
        crop_size=7,
    )
    if head.runs_tail:
        head.tail = backbone.tail
    for layer in (head.class_layer, head.box_layer, head.proposals.objectness_layer):
        nn.init.normal_(layer.weight, std=0.2)
    image = torch.rand(2, 3, SIDE, SIDE)
    for layer in backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        head.outputs(backbone(image * 2 - 1))  # for batch norm statistics
    return backbone.eval(), head.eval(), image


@pytest.mark.parametrize("kind", ANCHORS, ids=lambda kind: kind.name)
def test_the_peer_detects_what_we_do(kind: type[TwoStageHead]) -> None:
    backbone, head, image = settled(kind)
    peer = torchvision_faster_rcnn(backbone, head, image_size=SIDE).eval()
    peer.roi_heads.box_roi_pool = AlignedCrops(head)
    with torch.no_grad():
        ours = head.predict(backbone(image * 2 - 1), {"image": image})
        theirs = peer(list(image))
    for index, found in enumerate(theirs):
        mine = ours.image == index
        assert mine.sum() == len(found["scores"]) > 0
        torch.testing.assert_close(ours.scores[mine], found["scores"], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(ours.labels[mine] + 1, found["labels"])
        torch.testing.assert_close(ours.boxes[mine], found["boxes"], atol=1e-2, rtol=1e-3)


def test_the_peer_has_our_parameters_and_none_of_its_own() -> None:
    backbone, head, _ = settled(FasterRCNNHead)
    peer = torchvision_faster_rcnn(backbone, head, image_size=SIDE)
    count = sum(p.numel() for p in (*backbone.parameters(), *head.parameters()))
    assert sum(p.numel() for p in peer.parameters()) == count
    assert not {id(p) for p in peer.parameters()} & {id(p) for p in backbone.parameters()}
