"""torchvision's detection code, set up to do the same work as ours, to be timed beside it."""

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD, SSDScoringHead
from torchvision.transforms import v2

from backbone.layers import Conv2dSame, ConvNormAct, same_padding
from heads.ssd import SSDHead
from tasks.common.data.samples import Place
from tasks.detection.annotations.arrays import Annotations

# The canvas of the references' zoom-out: ImageNet's mean colour.
ZOOM_OUT_COLOUR = (123.0, 117.0, 104.0)

BackboneT = TypeVar("BackboneT", bound=nn.Module)
HeadT = TypeVar("HeadT", bound=nn.Module)


class Maps(nn.Module):
    """The feature maps that an SSD head predicts on, by themselves."""

    def __init__(self, backbone: nn.Module, head: SSDHead) -> None:
        super().__init__()
        self.backbone = backbone
        self.features = head.features
        self.extras = head.extras

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Maps, finest first."""
        features = self.backbone(image)
        maps = [features[key] for key in self.features]
        for extra in self.extras:
            maps.append(extra(maps[-1]))
        return OrderedDict((str(number), value) for number, value in enumerate(maps))


class Scores(nn.Module):
    """Our predictors behind the interface of torchvision's SSD head."""

    def __init__(self, head: SSDHead) -> None:
        super().__init__()
        self.logits = SSDScoringHead(head.class_layers, head.num_classes)
        self.boxes = SSDScoringHead(head.box_layers, 4)

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Raw outputs by torchvision's names."""
        return {"bbox_regression": self.boxes(maps), "cls_logits": self.logits(maps)}


class PaddedConv2d(nn.Conv2d):
    """TensorFlow's SAME padding as a stock layer does it: beforehand where it is uneven."""

    def forward(self, image: Tensor) -> Tensor:
        (top, bottom), (left, right) = (
            same_padding(side, kernel, stride)
            for side, kernel, stride in zip(
                image.shape[-2:], self.kernel_size, self.stride, strict=True
            )
        )
        if (top, left) == (bottom, right):
            return F.conv2d(image, self.weight, None, self.stride, (top, left), groups=self.groups)
        image = F.pad(image, (left, right, top, bottom))
        return F.conv2d(image, self.weight, None, self.stride, groups=self.groups)


def stock_copies(backbone: BackboneT, head: HeadT) -> tuple[BackboneT, HeadT]:
    """Copies with what a user of torchvision would have in the place of our convolution layers.

    Whatever ours do better must not speed up the peer.
    """
    backbone, head = copy.deepcopy((backbone, head))  # at once: a head may run the backbone's tail
    for block in (*backbone.modules(), *head.modules()):
        if isinstance(block, ConvNormAct):
            ours = block.conv
            if isinstance(ours, Conv2dSame):
                block.conv = PaddedConv2d(
                    ours.in_channels,
                    ours.out_channels,
                    ours.kernel_size,  # type: ignore[arg-type]
                    ours.stride,  # type: ignore[arg-type]
                    groups=ours.groups,
                    bias=False,
                )
                block.conv.weight = ours.weight
            block.act.inplace = True  # as in torchvision's own blocks
    return backbone, head


def torchvision_ssd(backbone: nn.Module, head: SSDHead, *, image_size: int) -> SSD:
    """The SSD class around copies of our modules: normalisation, anchors, loss, decoding.

    Args:
        backbone: Its structure and weights are taken over, with stock layers.
        head: The same, and its thresholds.
        image_size: Side of the network's input in pixels.

    Returns:
        Contiguous in memory, as it comes.
    """
    backbone, head = stock_copies(backbone, head)
    anchors = DefaultBoxGenerator([[2, 3]] * len(head.anchor_shapes), clip=False)
    # its own rule cannot make the three shapes of the published first map
    anchors._wh_pairs = [torch.tensor(shapes) for shapes in head.anchor_shapes]
    peer = SSD(
        Maps(backbone, head),
        anchors,
        (image_size, image_size),
        head.num_classes,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        head=Scores(head),
        score_thresh=head.score_threshold,
        nms_thresh=head.nms_iou,
        detections_per_img=head.max_detections,
        iou_thresh=head.min_iou,
    )
    return peer.to(memory_format=torch.contiguous_format)


def as_targets(batch: Mapping[str, Any]) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """A batch of ours as torchvision's loader would give it: floats in [0, 1], a list a photo."""
    images = [image.contiguous().float() / 255 for image in batch["image"]]
    targets = [
        {"boxes": boxes[labels >= 0], "labels": labels[labels >= 0] + 1}
        for boxes, labels in zip(batch["boxes"], batch["labels"], strict=True)
    ]
    return images, targets


def reference_transforms(preset: str, *, image_size: int) -> v2.Transform:
    """The training presets of torchvision's detection references, with Pillow as is their default.

    The references resize in the model; here it is the loader's work, as it is in ours, and done
    where it costs least, before the conversion to float.

    Args:
        preset: ``ssdlite`` (crop, flip) or ``ssd`` (colours and zoom-out before).
        image_size: Side of the result in pixels.
    """
    fill = {tv_tensors.Image: ZOOM_OUT_COLOUR, "others": ZOOM_OUT_COLOUR}
    before: Sequence[v2.Transform] = {
        "ssdlite": (),
        "ssd": (v2.RandomPhotometricDistort(), v2.RandomZoomOut(fill=fill)),
    }[preset]
    return v2.Compose(
        [
            *before,
            v2.RandomIoUCrop(),
            v2.RandomHorizontalFlip(),
            v2.Resize((image_size, image_size)),
            v2.PILToTensor(),
            v2.ToDtype(torch.float, scale=True),
            v2.ConvertBoundingBoxFormat(tv_tensors.BoundingBoxFormat.XYXY),
            v2.SanitizeBoundingBoxes(),
            v2.ToPureTensor(),
        ]
    )


class ReferenceSet(Dataset[Any]):
    """Photos with boxes as torchvision's references load them: Pillow, then transforms.

    Args:
        annotations: Each photo needs a box, as torchvision's crop does.
        preset: See ``reference_transforms``.
        image_size: Side of the result in pixels.
    """

    def __init__(self, annotations: Annotations, *, preset: str, image_size: int) -> None:
        self.annotations = annotations
        self.transforms = reference_transforms(preset, image_size=image_size)

    def __len__(self) -> int:
        return len(self.annotations)

    def __getitem__(self, place: Place) -> tuple[Tensor, dict[str, Tensor]]:
        _, index = place
        annotations, rows = self.annotations, self.annotations.rows(index)
        image = Image.open(annotations.path(index)).convert("RGB")
        boxes = tv_tensors.BoundingBoxes(
            torch.from_numpy(annotations.boxes[rows]).float(),
            format=tv_tensors.BoundingBoxFormat.XYXY,
            canvas_size=image.size[::-1],
        )
        labels = torch.from_numpy(annotations.classes[rows])
        result: tuple[Tensor, dict[str, Tensor]] = self.transforms(
            image, {"boxes": boxes, "labels": labels}
        )
        return result
