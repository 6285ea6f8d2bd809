"""Detection in two stages: proposals, then a closer look at each (Ren et al. 2015)."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backbone.errors import check_number
from backbone.layers import initialise
from heads.detection.assignment import UNDECIDED, assign, sample
from heads.detection.boxes import cxcywh_to_xyxy, decode, encode, xyxy_to_cxcywh
from heads.detection.crops import crop, crop_fixed
from heads.detection.detections import Detections
from heads.detection.detector import DetectionHead
from heads.detection.fixed import FixedDetections, best_pairs, rows
from heads.detection.proposals import ProposalNetwork, ProposalOutputs, Proposals
from heads.head import Batch, Features


class TwoStageOutputs(NamedTuple):
    """Raw outputs of both stages.

    Attributes:
        first: Of every anchor.
        proposals: Exactly ``num_proposals`` boxes an image, with padding.
        logits: Of each proposal, shape ``(B, P, C)``; column 0 is background.
        boxes: Encoded boxes for each class but background, shape ``(B, P, C - 1, 4)``.
        masks: Of as many proposals as there are detections at most, for each class but background,
            shape ``(B, D, C - 1, G, G)``; None from heads without masks.
    """

    first: ProposalOutputs
    proposals: Proposals
    logits: Tensor
    boxes: Tensor
    masks: Tensor | None = None


class Drawn(NamedTuple):
    """What the second stage learns from.

    Attributes:
        boxes: ``xyxy`` pixels, shape ``(B, S, 4)``.
        matches: Index of each one's object, or ``NO_OBJECT``, shape ``(B, S)``.
        counts: Which of them count, shape ``(B, S)``.
    """

    boxes: Tensor
    matches: Tensor
    counts: Tensor

    def objects(self) -> tuple[Tensor, Tensor, Tensor]:
        """Image, place and object of each one that has an object, image by image, ``(N,)``."""
        image, place = ((self.matches >= 0) & self.counts).nonzero(as_tuple=True)
        return image, place, self.matches[image, place]


class TwoStageHead(DetectionHead):
    """Proposes boxes, then classifies and corrects each by what is seen in it.

    Boxes are pixels of the network input, ``(x0, y0, x1, y1)``; class 0 is background. What maps
    there are and what is made of a crop is for the subclasses.

    Args:
        num_classes: Classes including background, 91 for COCO's category ids.
        channels: Of the maps that proposals are made on.
        strides: Pixels for each step of these.
        crop_strides: Of the first ones of them, which crops are cut out of.
        region_channels: Of what ``describe`` gives.
        proposals: Makes the first stage.
        crop_size: Side of the crops.
        crop_samples: Averaged for each value of a crop, along each side.
        min_iou: Overlap with an object from which a proposal is one.
        num_sampled: Proposals of an image that the loss looks at.
        positive_share: At most this share of them are objects.
        box_weight: Weight of the box loss.
        **decoding: See ``DetectionHead``.

    Raises:
        InputError: If a setting is outside its bounds.
    """

    cuts_crops = True
    free_settings: tuple[str, ...] = ("min_iou", "num_sampled", "positive_share", "box_weight")

    def __init__(
        self,
        *,
        num_classes: int,
        channels: int,
        strides: Sequence[int],
        crop_strides: Sequence[int],
        region_channels: int,
        proposals: Callable[..., ProposalNetwork],
        crop_size: int = 14,
        crop_samples: int = 1,
        min_iou: float = 0.5,
        num_sampled: int = 64,
        positive_share: float = 0.25,
        box_weight: float = 1.0,
        **decoding: Any,
    ) -> None:
        super().__init__(num_classes=num_classes, **decoding)
        for name, number in (
            ("crop_size", crop_size),
            ("crop_samples", crop_samples),
            ("num_sampled", num_sampled),
        ):
            check_number(f"head.{name}", number, at_least=1, whole=True)
        check_number("head.positive_share", positive_share, at_least=0, at_most=1)
        check_number("head.min_iou", min_iou, above=0, at_most=1)
        check_number("head.box_weight", box_weight, at_least=0)
        self.crop_strides = tuple(crop_strides)
        self.crop_size = crop_size
        self.crop_samples = crop_samples
        self.min_iou = min_iou
        self.num_sampled = num_sampled
        self.positive_share = positive_share
        self.box_weight = box_weight

        self.proposals = proposals(channels=channels, strides=strides)
        self.class_layer = nn.Linear(region_channels, num_classes)
        self.box_layer = nn.Linear(region_channels, 4 * (num_classes - 1))
        initialise(self.class_layer, std=0.01)
        initialise(self.box_layer, std=0.001)

    @abstractmethod
    def maps(self, features: Features) -> list[Tensor]:
        """The maps that proposals are made on, finest first."""

    @abstractmethod
    def describe(self, crops: Tensor) -> Tensor:
        """A vector for each crop, shape ``(N, region_channels)``."""

    def outputs(self, features: Features) -> TwoStageOutputs:
        """What both stages say of the proposals, which are chosen between them, without gradient.

        The choice does not export; ``first_stage`` and ``second_stage`` do.
        """
        return self.stages(*self.first_stage(features))

    def first_stage(self, features: Features) -> tuple[list[Tensor], ProposalOutputs]:
        """The network up to the proposals: the maps, and what is said of the anchors on them."""
        maps = self.maps(features)
        return maps, self.proposals(maps)

    def second_stage(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """The network after the proposals: logits and encoded boxes of each crop.

        Args:
            crops: Shape ``(N, channels, crop_size, crop_size)``.

        Returns:
            Shapes ``(N, C)`` and ``(N, C - 1, 4)``.
        """
        return self.judge(self.describe(crops), shape=crops.shape[:1])

    def stages(self, maps: Sequence[Tensor], first: ProposalOutputs) -> TwoStageOutputs:
        """Goes on from the first stage, without masks."""
        proposals = self.proposals.propose(first, maps)
        return TwoStageOutputs(first, proposals, *self.look_at(maps, proposals.boxes))

    def look_at(self, maps: Sequence[Tensor], boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and encoded boxes, as in ``TwoStageOutputs``, of boxes of shape ``(B, P, 4)``."""
        logits, codes = self.second_stage(self.crops(maps, boxes))
        return logits.unflatten(0, boxes.shape[:2]), codes.unflatten(0, boxes.shape[:2])

    def crops(
        self, maps: Sequence[Tensor], boxes: Tensor, *, cut: Callable[..., Tensor] = crop
    ) -> Tensor:
        """Cuts out boxes of shape ``(B, P, 4)``, ``(B * P, channels, crop_size, crop_size)``."""
        return cut(
            maps[: len(self.crop_strides)],
            boxes,
            strides=self.crop_strides,
            size=self.crop_size,
            samples=self.crop_samples,
        )

    def judge(self, described: Tensor, *, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Logits and encoded boxes of what ``describe`` gives of as many boxes as ``shape`` has."""
        logits, codes = self.class_layer(described).float(), self.box_layer(described).float()
        return logits.unflatten(0, shape), codes.view(*shape, -1, 4)

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Losses of both stages, each divided by the number of boxes it looks at.

        Args:
            features: Of the backbone.
            batch: ``boxes``, ``xyxy`` pixels padded to ``(B, M, 4)``; ``labels``, shape ``(B, M)``,
                -1 where padded.

        Returns:
            ``objectness`` and ``proposal_box`` of the anchors, ``classification`` and ``box`` of
            the proposals.
        """
        boxes, labels = batch["boxes"], batch["labels"]
        maps, first = self.first_stage(features)
        losses = self.proposals.loss(first, maps, boxes, labels >= 0)
        proposals = self.proposals.propose(first, maps)
        drawn = self._draw(proposals, boxes, labels >= 0)
        return losses | self.region_losses(maps, drawn, batch)

    @torch.no_grad()
    def _draw(self, proposals: Proposals, boxes: Tensor, is_object: Tensor) -> Drawn:
        """Boxes to learn from."""
        # the objects themselves are good ones, from the first step on
        regions = torch.cat([proposals.boxes, boxes], dim=1)
        matches = assign(
            boxes, is_object, regions, foreground_iou=self.min_iou, background_iou=self.min_iou
        )
        matches[~torch.cat([proposals.found, is_object], dim=1)] = UNDECIDED
        index, counts = sample(matches, count=self.num_sampled, positive_share=self.positive_share)
        drawn = regions.gather(1, index[..., None].expand(-1, -1, 4))
        return Drawn(drawn, matches.gather(1, index), counts)

    def region_losses(
        self, maps: Sequence[Tensor], drawn: Drawn, batch: Batch
    ) -> dict[str, Tensor]:
        """Losses of the second stage."""
        return self.box_losses(*self.look_at(maps, drawn.boxes), drawn, batch)

    def box_losses(
        self, logits: Tensor, codes: Tensor, drawn: Drawn, batch: Batch
    ) -> dict[str, Tensor]:
        """``classification`` and ``box``, from what ``look_at`` gives of the boxes drawn."""
        image, region, matched = drawn.objects()
        label = batch["labels"][image, matched]
        targets = torch.zeros_like(drawn.matches)
        targets[image, region] = label + 1
        classification = F.cross_entropy(logits[drawn.counts], targets[drawn.counts])

        wanted = encode(
            xyxy_to_cxcywh(batch["boxes"][image, matched]),
            xyxy_to_cxcywh(drawn.boxes[image, region]),
        )
        box = F.smooth_l1_loss(codes[image, region, label], wanted, reduction="sum")
        return {
            "classification": classification,
            "box": self.box_weight * box / drawn.counts.sum(),
        }

    def predict(self, features: Features, batch: Batch) -> Detections:
        """The best boxes of each image, after non-maximum suppression within each class."""
        outputs = self.stages(*self.first_stage(features))
        scores = outputs.logits.softmax(-1)[..., 1:] * outputs.proposals.found[..., None]
        image, place, label, scores = self.candidates(scores)
        regions = xyxy_to_cxcywh(outputs.proposals.boxes[image, place])
        boxes = cxcywh_to_xyxy(decode(outputs.boxes[image, place, label], regions))
        return self.detections(Detections(image, boxes, scores, label), batch)

    def predict_fixed(self, features: Features, image: Tensor) -> FixedDetections:
        """The same in arrays of fixed shapes."""
        maps, first = self.first_stage(features)
        regions, found = self.proposals.propose_fixed(first, maps)
        logits, codes = self.second_stage(self.crops(maps, regions, cut=crop_fixed))
        shape = regions.shape[:2]
        scores = logits.unflatten(0, shape).softmax(-1)[..., 1:] * found[..., None]
        pairs = best_pairs(scores, self.max_candidates)
        # a box for each label: rows of the places, and in these of the labels
        index = pairs.places * (self.num_classes - 1) + pairs.labels
        codes = rows(codes.unflatten(0, shape).flatten(1, 2), index)
        boxes = decode(codes, xyxy_to_cxcywh(rows(regions, pairs.places)))
        return self.fixed(cxcywh_to_xyxy(boxes), pairs, image)

    def settings(self) -> dict[str, Any]:
        """How crops are cut, and the anchors and layers of the first stage."""
        return {
            "crop_size": self.crop_size,
            "crop_samples": self.crop_samples,
            **self.proposals.settings(),
        }

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Keeps the rows of background and of ``classes``, or drops both layers of the classes.

        They are dropped, too, where they are for fewer classes than the label map says.
        """
        layers = ("class_layer.", "box_layer.")
        kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(layers)}
        if classes is None:
            return kept
        for name in tensors.keys() - kept.keys():
            is_box = name.startswith("box_layer.")
            values = 4 if is_box else 1
            rows = list(classes) if is_box else [0, *(index + 1 for index in classes)]
            layer = tensors[name]
            if len(layer) % values == 0 and max(rows) < len(layer) // values:
                kept[name] = layer.unflatten(0, (-1, values))[rows].flatten(0, 1)
        return kept
