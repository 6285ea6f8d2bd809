"""SSD (Liu et al. 2016), as counted in the paper's Table 13."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backbone.errors import check_number
from backbone.layers import ConvNormAct, initialise
from heads.detection.anchors import Shape, by_anchor, grid_anchors, ssd_anchor_shapes
from heads.detection.boxes import CODE_WEIGHTS, cxcywh_to_xyxy, decode, encode, xyxy_to_cxcywh
from heads.detection.detections import Detections
from heads.detection.detector import DetectionHead, check_features
from heads.detection.fixed import FixedDetections, best_pairs, rows
from heads.detection.matching import NO_OBJECT, hardest_negatives, match_anchors
from heads.head import Batch, Features, Undecoded


class SSDOutputs(NamedTuple):
    """Raw outputs: ``logits``, shape ``(B, A, C)``, and encoded ``boxes``, shape ``(B, A, 4)``."""

    logits: Tensor
    boxes: Tensor


class ClassificationLoss(Protocol):
    """A loss an anchor, and the scores that go with it; ``heads.detection.losses`` has three."""

    activation: str

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor: ...

    def scores(self, logits: Tensor) -> Tensor: ...


class SSDHead(DetectionHead):
    """Detects objects in one pass over six feature maps.

    Boxes are pixels of the network input, ``(x0, y0, x1, y1)``; class 0 is background.

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Classes including background, 91 for COCO's category ids.
        classification: Loss of an anchor's classes, and how logits become scores.
        features: Backbone features to predict on, finest first; four extra maps follow the last.
        min_scale: Side of the first map's anchors as a share of the image's (SSD, section 2.2).
        max_scale: The same for the last map.
        min_iou: Overlap from which an anchor answers for an object.
        negatives_per_positive: Hardest background anchors kept for each matched one; None: all.
        box_weight: Weight of the box loss beside the classification loss.
        class_bias: Initial bias of the object classes; -4.6 starts each at 1%, so that the many
            background anchors don't drown the first steps (Lin et al. 2017, section 4.1).
        **decoding: See ``DetectionHead``.

    Raises:
        InputError: If a setting is outside its bounds.
    """

    name = "ssd"
    free_settings = ("min_iou", "negatives_per_positive", "box_weight", "class_bias")
    predictor_size = 1  # side of the filters that predict
    # Output channels of the four extra layers as shares of the last feature's: 512, 256, 256, 128
    # after MobileNet 1.0's 1024. They narrow with the backbone, as in the released 0.75 network.
    extra_shares: Sequence[float] = (1 / 2, 1 / 4, 1 / 4, 1 / 8)

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        num_classes: int,
        classification: ClassificationLoss,
        features: Sequence[str] = ("c4", "c5"),
        min_scale: float = 0.2,
        max_scale: float = 0.95,
        min_iou: float = 0.5,
        negatives_per_positive: float | None = 3.0,
        box_weight: float = 1.0,
        class_bias: float = -4.6,
        **decoding: Any,
    ) -> None:
        super().__init__(num_classes=num_classes, **decoding)
        check_features(features, in_channels)
        check_number("head.min_scale", min_scale, above=0, at_most=1)
        check_number("head.max_scale", max_scale, at_least=min_scale, at_most=1)
        check_number("head.min_iou", min_iou, above=0, at_most=1)
        if negatives_per_positive is not None:
            check_number("head.negatives_per_positive", negatives_per_positive, at_least=0)
        check_number("head.box_weight", box_weight, at_least=0)
        check_number("head.class_bias", class_bias)
        self.classification = classification
        self.features = tuple(features)
        self.min_iou = min_iou
        self.negatives_per_positive = negatives_per_positive
        self.box_weight = box_weight

        channels = [in_channels[key] for key in self.features]
        last = channels[-1]
        channels += [max(int(last * share), 8) for share in self.extra_shares]
        self.extras = nn.ModuleList(
            nn.Sequential(
                ConvNormAct(before, after // 2, kernel_size=1),
                ConvNormAct(after // 2, after, kernel_size=3, stride=2),
            )
            for before, after in pairwise(channels[len(self.features) - 1 :])
        )
        self.anchor_settings = {
            "features": list(self.features),
            "min_scale": min_scale,
            "max_scale": max_scale,
        }
        self.anchor_shapes = self.make_anchor_shapes(
            len(channels), min_scale=min_scale, max_scale=max_scale
        )
        numbers = [len(shapes) for shapes in self.anchor_shapes]
        self.box_layers = self._predictors(channels, [4 * number for number in numbers])
        self.class_layers = self._predictors(channels, [num_classes * number for number in numbers])
        initialise(self, std=0.03)
        for layer in self.class_layers:
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None
            layer.bias.detach().view(-1, num_classes)[:, 1:] = class_bias
        self._anchors: dict[Any, Tensor] = {}

    def make_anchor_shapes(
        self, num_maps: int, *, min_scale: float, max_scale: float
    ) -> list[list[Shape]]:
        """Sizes of the anchors of each map."""
        return ssd_anchor_shapes(num_maps, min_scale=min_scale, max_scale=max_scale)

    def _predictors(self, in_channels: Sequence[int], out_channels: Sequence[int]) -> nn.ModuleList:
        side = self.predictor_size
        return nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=side, padding=side // 2)
            for before, after in zip(in_channels, out_channels, strict=True)
        )

    def outputs(self, features: Features) -> SSDOutputs:
        """Logits and encoded boxes of every anchor."""
        maps = self.maps(features)
        logits = [
            by_anchor(layer(x), self.num_classes)
            for layer, x in zip(self.class_layers, maps, strict=True)
        ]
        boxes = [by_anchor(layer(x), 4) for layer, x in zip(self.box_layers, maps, strict=True)]
        return SSDOutputs(torch.cat(logits, dim=1).float(), torch.cat(boxes, dim=1).float())

    def maps(self, features: Features) -> list[Tensor]:
        """What is predicted on: the features and the extra maps, finest first."""
        maps = [features[key] for key in self.features]
        for extra in self.extras:
            maps.append(extra(maps[-1]))
        return maps

    def anchors(self, features: Features, image: Tensor) -> Tensor:
        """``cxcywh`` pixels of the network input, shape ``(A, 4)``."""
        sides = [(x.shape[-2], x.shape[-1]) for x in (features[key] for key in self.features)]
        for _ in self.extras:
            rows, columns = sides[-1]
            sides.append((-(-rows // 2), -(-columns // 2)))
        height, width = image.shape[-2:]
        key = (*sides, height, width, image.device)
        if key not in self._anchors:
            shares = grid_anchors(sides, self.anchor_shapes).to(image.device)
            self._anchors[key] = shares * _sides(image)
        return self._anchors[key]

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Classification and box loss, each divided by the number of matched anchors.

        Args:
            features: Of the backbone.
            batch: ``image`` of shape ``(B, 3, H, W)``; ``boxes``, ``xyxy`` pixels padded to
                ``(B, M, 4)``; ``labels``, shape ``(B, M)``, -1 where padded.

        Returns:
            ``classification`` and ``box``. An image without objects counts as one match.
        """
        outputs = self.outputs(features)
        anchors = self.anchors(features, batch["image"])
        boxes, labels = batch["boxes"], batch["labels"]
        matches = match_anchors(boxes, labels >= 0, cxcywh_to_xyxy(anchors), min_iou=self.min_iou)
        positive = matches != NO_OBJECT  # (B, A)
        count = positive.sum(dim=1).clamp(min=1).sum()

        image, anchor = positive.nonzero(as_tuple=True)
        matched = matches[image, anchor]
        wanted = encode(xyxy_to_cxcywh(boxes[image, matched]), anchors[anchor])
        box = F.smooth_l1_loss(outputs.boxes[image, anchor], wanted, reduction="sum") / count

        targets = torch.zeros_like(matches)
        targets[image, anchor] = labels[image, matched] + 1
        chosen = self._anchors_to_classify(outputs.logits, positive)
        losses = self.classification(outputs.logits[chosen], targets[chosen])
        return {"classification": losses.sum() / count, "box": self.box_weight * box}

    @torch.no_grad()
    def _anchors_to_classify(self, logits: Tensor, positive: Tensor) -> Tensor:
        """Mask of the anchors that the classification learns from, shape ``(B, A)``.

        Most anchors are easy background: choosing first keeps them out of the backward pass.
        """
        if self.negatives_per_positive is None:
            return torch.ones_like(positive)
        background = torch.zeros_like(positive, dtype=torch.long)
        hardness = self.classification(logits, background)
        return positive | hardest_negatives(
            hardness, positive, per_positive=self.negatives_per_positive
        )

    def predict(self, features: Features, batch: Batch) -> Detections:
        """The best boxes of each image, after non-maximum suppression within each class."""
        anchors = self.anchors(features, batch["image"])
        return self.decoded(self.outputs(features), anchors, batch["image"])

    def decoded(self, outputs: SSDOutputs, anchors: Tensor, image: Tensor) -> Detections:
        """The best boxes by what is said of anchors; ``image`` tells the sides."""
        place, anchor, label, scores = self.candidates(
            self.classification.scores(outputs.logits)  # (B, A, C - 1)
        )
        boxes = cxcywh_to_xyxy(decode(outputs.boxes[place, anchor], anchors[anchor]))
        return self.detections(Detections(place, boxes, scores, label), {"image": image})

    def undecoded(self, features: Features, image: Tensor) -> Undecoded:
        """``logits`` and ``codes`` of all ``anchors``, which are shares of the sides."""
        outputs = self.outputs(features)
        coding = {
            "scores": f"{self.classification.activation} of logits; column 0 is background",
            "boxes": "x, y, width and height: centre = anchor centre + code / weight * anchor side;"
            " side = anchor side * exp(code / weight)",
            "weights": list(CODE_WEIGHTS),
            "anchors": "centre x, centre y, width, height as shares of the input's sides",
        }
        shares = self.anchors(features, image) / _sides(image)
        return Undecoded(
            {"logits": outputs.logits, "codes": outputs.boxes}, {"anchors": shares}, coding
        )

    def from_undecoded(self, found: Mapping[str, Tensor], image: Tensor) -> Detections:
        """Detections from logits, codes and anchors."""
        outputs = SSDOutputs(found["logits"], found["codes"])
        return self.decoded(outputs, found["anchors"] * _sides(image), image)

    def predict_fixed(self, features: Features, image: Tensor) -> FixedDetections:
        """The same in arrays of fixed shapes."""
        outputs = self.outputs(features)
        pairs = best_pairs(self.classification.scores(outputs.logits), self.max_candidates)
        anchors = self.anchors(features, image)[pairs.places]
        boxes = cxcywh_to_xyxy(decode(rows(outputs.boxes, pairs.places), anchors))
        return self.fixed(boxes, pairs, image)

    def settings(self) -> dict[str, Any]:
        """The activation that the class layers were trained for, and the anchors of the boxes."""
        return {"activation": self.classification.activation, **self.anchor_settings}

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Keeps the rows of background and of ``classes``, or drops the class layers.

        Layers for other anchors or fewer classes than the label map says are dropped too.
        """
        tensors = dict(tensors)
        for name in [name for name in tensors if name.startswith("class_layers.")]:
            layer = tensors.pop(name)
            level = int(name.split(".")[1])
            if classes is None or level >= len(self.anchor_shapes):
                continue
            number = len(self.anchor_shapes[level])
            rows = [0, *(index + 1 for index in classes)]
            if len(layer) % number == 0 and max(rows) < len(layer) // number:
                tensors[name] = layer.unflatten(0, (number, -1))[:, rows].flatten(0, 1)
        return tensors


def _sides(image: Tensor) -> Tensor:
    """Width, height, width and height of images."""
    height, width = image.shape[-2:]
    return torch.tensor([width, height, width, height], dtype=torch.float32, device=image.device)
