"""Mask R-CNN (He et al. 2017): Faster R-CNN that also draws what it finds."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backbone.errors import InputError, check_number
from backbone.layers import ConvNormAct, initialise
from heads.detection.crops import crop_fixed
from heads.detection.detections import Detections
from heads.detection.fixed import FixedDetections, rows
from heads.detection.two_stage import Drawn, TwoStageOutputs
from heads.faster_rcnn import FasterRCNNHead, pool
from heads.head import Batch, Features


class MaskRCNNHead(FasterRCNNHead):
    """Faster R-CNN with a branch that draws an object of each class on a grid over its box.

    The branch goes on from what the tail makes of a crop, as in the paper's figure 4 on the left,
    but to four times its side instead of twice. In training that is at hand for all boxes that the
    second stage looks at; when predicting, the tail runs again on the boxes that were kept.

    Args:
        in_channels: Channels of each backbone feature.
        mask_channels: Width of the branch.
        mask_weight: Weight of the mask loss.
        **settings: See ``TwoStageHead``.

    Raises:
        InputError: If a setting is outside its bounds.
    """

    name = "mask_rcnn"
    free_settings = ("mask_weight",)

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        mask_channels: int = 128,
        mask_weight: float = 1.0,
        **settings: Any,
    ) -> None:
        check_number("head.mask_channels", mask_channels, at_least=1, whole=True)
        check_number("head.mask_weight", mask_weight, at_least=0)
        super().__init__(in_channels=in_channels, **settings)
        self.mask_channels = mask_channels
        self.mask_weight = mask_weight
        self.mask_branch = nn.Sequential(
            ConvNormAct(in_channels["c5"], mask_channels, kernel_size=1),
            *_doubling(mask_channels),
            *_doubling(mask_channels),
        )
        self.mask_layer = nn.Conv2d(mask_channels, self.num_classes - 1, kernel_size=1)
        initialise(self.mask_branch, std=0.09)
        initialise(self.mask_layer, std=0.01)

    def outputs(self, features: Features) -> TwoStageOutputs:
        """What both stages and the branch say; ``mask_stage`` exports, as the stages do."""
        maps, first = self.first_stage(features)
        outputs = self.stages(maps, first)
        boxes = outputs.proposals.boxes[:, : self.max_detections]
        masks = self.mask_stage(self.crops(maps, boxes))
        return outputs._replace(masks=masks.unflatten(0, boxes.shape[:2]))

    def mask_stage(self, crops: Tensor) -> Tensor:
        """The network after the detections: a grid of logits for each class of each crop.

        Args:
            crops: Shape ``(N, channels, crop_size, crop_size)``.

        Returns:
            Shape ``(N, C - 1, G, G)``, ``G`` four times the side of what the tail makes of a crop.
        """
        return self.mask_logits(self.tail(crops))

    def mask_logits(self, seen: Tensor) -> Tensor:
        """A grid of logits for each class but background, ``(N, C - 1, G, G)``.

        Args:
            seen: What the tail makes of each crop.
        """
        logits: Tensor = self.mask_layer(self.mask_branch(seen))
        return logits.float()

    def region_losses(
        self, maps: Sequence[Tensor], drawn: Drawn, batch: Batch
    ) -> dict[str, Tensor]:
        if "masks" not in batch:
            raise InputError(
                f"head={self.name} learns from masks, which this task has none of: choose a task "
                "with masks, such as task=mask_rcnn_coco, or a head without"
            )
        seen = self.tail(self.crops(maps, drawn.boxes))
        judged = self.judge(pool(seen), shape=drawn.matches.shape)
        losses = self.box_losses(*judged, drawn, batch)
        return losses | {"mask": self.mask_weight * self._mask_loss(seen, drawn, batch)}

    def _mask_loss(self, seen: Tensor, drawn: Drawn, batch: Batch) -> Tensor:
        """Of the boxes that have objects, how far the grid of its class is from each one's mask."""
        image, place, matched = drawn.objects()
        if not len(image):  # every parameter is to get a gradient, if it is zero
            return 0 * self.mask_logits(seen[:1]).sum()
        chosen = seen.unflatten(0, drawn.matches.shape)[image, place]
        logits = self.mask_logits(chosen.contiguous(memory_format=torch.channels_last))
        wanted = cut_masks(
            batch["masks"][image, matched],
            drawn.boxes[image, place],
            image_size=batch["image"].shape[-1],
            grid_size=logits.shape[-1],
        )
        label = batch["labels"][image, matched]
        own = logits[torch.arange(len(logits), device=label.device), label]
        return F.binary_cross_entropy_with_logits(own, wanted)

    def predict(self, features: Features, batch: Batch) -> Detections:
        """Those of Faster R-CNN with the mask of each one's class."""
        found = super().predict(features, batch)
        boxes, is_box = pad_boxes(found.image, found.boxes, num_images=len(batch["image"]))
        crops = self.crops(self.maps(features), boxes)
        # a crop of the padding, where there is no other, tells the sides of no masks
        crops = crops[is_box.flatten()] if len(found.boxes) else crops[:1]
        logits = self.mask_stage(crops.contiguous(memory_format=torch.channels_last))
        own = logits[torch.arange(len(logits), device=found.labels.device), found.labels]
        return found._replace(masks=own.sigmoid())

    def predict_fixed(self, features: Features, image: Tensor) -> FixedDetections:
        """The same in arrays of fixed shapes."""
        found = super().predict_fixed(features, image)
        height, width = image.shape[-2:]
        boxes = found.boxes * found.boxes.new_tensor([width, height, width, height])
        logits = self.mask_stage(self.crops(self.maps(features), boxes, cut=crop_fixed))
        own = rows(logits.flatten(2), found.labels.to(torch.int64).reshape(-1, 1))
        masks = own.view(*found.labels.shape, *logits.shape[-2:])
        return found._replace(masks=masks.sigmoid())

    def settings(self) -> dict[str, Any]:
        """The same, and the width of the branch."""
        return {**super().settings(), "mask_channels": self.mask_channels}

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """The same for the layer of the masks, which has no row for background."""
        kept = super().select_classes(tensors, classes)
        for name in ("mask_layer.weight", "mask_layer.bias"):
            layer = kept.pop(name, None)
            if layer is not None and classes is not None and max(classes) < len(layer):
                kept[name] = layer[list(classes)]
        return kept


def _doubling(channels: int) -> tuple[nn.Module, nn.Module]:
    """A deconvolution of 2x2, stride 2, as a convolution whose channels become four places each.

    It is several times as fast on a CPU, and is counted and folded as all others are.
    """
    return ConvNormAct(channels, 4 * channels, kernel_size=1), nn.PixelShuffle(2)


def pad_boxes(image: Tensor, boxes: Tensor, *, num_images: int) -> tuple[Tensor, Tensor]:
    """Boxes in rows of their images.

    Args:
        image: Of each box, in ascending order, shape ``(N,)``.
        boxes: Shape ``(N, 4)``.
        num_images: How many there are.

    Returns:
        Padded boxes, shape ``(num_images, P, 4)`` with at least one place for each image, and which
        of them are none of the padding; read row by row, these are the boxes in their order.
    """
    counts = torch.bincount(image, minlength=num_images)
    is_box = torch.arange(max(int(counts.max()), 1), device=image.device) < counts[:, None]
    padded = boxes.new_zeros(*is_box.shape, 4)
    padded[is_box] = boxes
    return padded, is_box


def cut_masks(masks: Tensor, boxes: Tensor, *, image_size: int, grid_size: int) -> Tensor:
    """What grids over boxes should show of masks, in [0, 1], shape ``(N, G, G)``.

    Each value is a mean over its part of the box. Unlike torchvision's, which are half a pixel of
    the mask off, grids are exactly on their boxes.

    Args:
        masks: 0 and 1, shape ``(N, R, R)``.
        boxes: ``xyxy`` pixels of the network input, shape ``(N, 4)``.
        image_size: Side of the network input, which the masks are of.
        grid_size: ``G``.
    """
    from torchvision.ops import roi_align  # a second that predictions are spared

    rows = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)
    cut = roi_align(
        masks[:, None].to(boxes.dtype),
        torch.cat([rows[:, None], boxes], dim=1),
        grid_size,
        spatial_scale=masks.shape[-1] / image_size,
        aligned=True,
    )
    return cut[:, 0]
