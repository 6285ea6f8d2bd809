"""torchvision's Faster R-CNN, set up to do the same work as ours, to be timed beside it."""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.ops import MultiScaleRoIAlign

from backbone.backbone import Backbone
from heads.detection.boxes import CODE_WEIGHTS, cxcywh_to_xyxy
from heads.detection.two_stage import TwoStageHead
from tasks.detection.bench.torchvision_one_stage import stock_copies


class Maps(nn.Module):
    """The maps that a two-stage head makes its proposals on, by themselves."""

    def __init__(self, backbone: Backbone, head: TwoStageHead) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.out_channels = head.proposals.conv.in_channels

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Maps, finest first."""
        features = self.backbone.trunk(image) if self.head.runs_tail else self.backbone(image)
        return OrderedDict((str(n), x) for n, x in enumerate(self.head.maps(features)))


class FirstStage(nn.Module):
    """Our first stage's layers behind the interface of torchvision's."""

    def __init__(self, head: TwoStageHead) -> None:
        super().__init__()
        self.layers = head.proposals

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Objectness and encoded boxes, map by map."""
        hidden = [F.relu(self.layers.conv(x)) for x in maps]
        objectness = [self.layers.objectness_layer(x) for x in hidden]
        return objectness, [self.layers.box_layer(x) for x in hidden]


class Description(nn.Module):
    """A vector for each crop, as our head makes it."""

    def __init__(self, head: TwoStageHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, crops: Tensor) -> Tensor:
        """Shape ``(N, region_channels)``."""
        return self.head.describe(crops)


class SecondStage(nn.Module):
    """Our last two layers; torchvision corrects boxes of background too, which is never used."""

    def __init__(self, head: TwoStageHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, described: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and encoded boxes."""
        boxes = self.head.box_layer(described)
        return self.head.class_layer(described), F.pad(boxes, (4, 0))


def torchvision_faster_rcnn(
    backbone: Backbone, head: TwoStageHead, *, image_size: int
) -> FasterRCNN:
    """The FasterRCNN class around copies of our modules.

    Its own are normalisation, anchors, matching, sampling, proposals, crops, loss and decoding. It
    makes as many proposals and learns from as many boxes as ours.

    Args:
        backbone: Its structure and weights are taken over, with stock layers.
        head: The same, and its settings.
        image_size: Side of the network's input in pixels.

    Returns:
        Contiguous in memory, as it comes.
    """
    backbone, head = stock_copies(backbone, head)
    first = head.proposals
    peer = FasterRCNN(
        Maps(backbone, head),
        min_size=image_size,
        max_size=image_size,
        fixed_size=(image_size, image_size),
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        rpn_anchor_generator=_anchors(head),
        rpn_head=FirstStage(head),
        rpn_pre_nms_top_n_train=first.max_candidates,
        rpn_pre_nms_top_n_test=first.max_candidates,
        rpn_post_nms_top_n_train=first.num_proposals,
        rpn_post_nms_top_n_test=first.num_proposals,
        rpn_nms_thresh=first.nms_iou,
        rpn_fg_iou_thresh=first.foreground_iou,
        rpn_bg_iou_thresh=first.background_iou,
        rpn_batch_size_per_image=first.num_sampled,
        rpn_positive_fraction=first.positive_share,
        box_roi_pool=_crops(head),
        box_head=Description(head),
        box_predictor=SecondStage(head),
        box_score_thresh=head.score_threshold,
        box_nms_thresh=head.nms_iou,
        box_detections_per_img=head.max_detections,
        box_fg_iou_thresh=head.min_iou,
        box_bg_iou_thresh=head.min_iou,
        box_batch_size_per_image=head.num_sampled,
        box_positive_fraction=head.positive_share,
        bbox_reg_weights=CODE_WEIGHTS,
    )
    peer.rpn.box_coder = BoxCoder(CODE_WEIGHTS)
    return peer.to(memory_format=torch.contiguous_format)


def _anchors(head: TwoStageHead) -> AnchorGenerator:
    """Our anchors, which stand at the centres of cells where torchvision's stand at corners."""
    first = head.proposals
    generator = AnchorGenerator(
        tuple(map(tuple, first.anchor_sides)),
        (tuple(first.anchor_ratios),) * len(first.anchor_sides),
    )
    one_cell = [torch.zeros(1, 1, 1, 1)] * len(first.strides)
    generator.cell_anchors = [cxcywh_to_xyxy(anchors) for anchors in first.anchors(one_cell)]
    return generator


def _crops(head: TwoStageHead) -> MultiScaleRoIAlign:
    names = [str(number) for number in range(len(head.crop_strides))]
    return MultiScaleRoIAlign(names, head.crop_size, head.crop_samples)
