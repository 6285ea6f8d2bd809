"""SSD without anchors on a light feature pyramid: what ten years have added to it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from backbone.errors import check_number
from backbone.layers import initialise
from heads.detection.alignment import align_points
from heads.detection.anchors import by_anchor
from heads.detection.detections import Detections
from heads.detection.detector import DetectionHead, check_features
from heads.detection.distances import decode_distances, distribution_focal_loss
from heads.detection.fixed import FixedDetections, best_pairs, rows
from heads.detection.light_pyramid import LightPyramid, Refinement
from heads.detection.losses import quality_focal_loss
from heads.detection.matching import NO_OBJECT
from heads.head import Batch, Features, Undecoded

STRIDES = {"c2": 4, "c3": 8, "c4": 16, "c5": 32}  # of a pyramid each of whose maps halves the last


class PyramidOutputs(NamedTuple):
    """Raw outputs of every point.

    Attributes:
        logits: Shape ``(B, P, L)``, without background.
        distances: Of each side the logits of whole distances, shape ``(B, P, 4, bins)``.
    """

    logits: Tensor
    distances: Tensor


class Points(NamedTuple):
    """``places``, ``(x, y)``, and ``strides`` along both, in pixels, of shape ``(P, 2)``."""

    places: Tensor
    strides: Tensor


class PyramidSSDHead(DetectionHead):
    """Detects objects in one pass over the points of a light feature pyramid.

    Each point of each map predicts one box, as four distances to its sides, and a quality for each
    class: how well it would fit if the object were of that class. Which points learn an object is
    decided by what they predict (TOOD), and what they learn by quality focal loss, generalised IoU
    and distribution focal loss (GFL). Boxes are pixels of the network input, ``(x0, y0, x1, y1)``.

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Classes including background, as for the other detectors; it has no output.
        features: Backbone features of the pyramid, finest first; one coarser map follows the last.
        channels: Of the pyramid; 96 keep the whole under SSD's mult-adds at 300 pixels.
        depth: Separable convolutions refining each map before its predictions.
        bins: Whole distances that a side's distribution is over: 0 to ``bins - 1`` strides.
        points_per_object: Points that learn an object, at most.
        box_weight: Weight of the IoU loss beside the classification loss.
        distribution_weight: The same of the distribution focal loss.
        class_bias: Initial bias of the classes; -4.6 starts each at 1%.
        **decoding: See ``DetectionHead``.

    Raises:
        InputError: If a setting is outside its bounds.
    """

    name = "ssd_pyramid"
    free_settings = ("points_per_object", "box_weight", "distribution_weight", "class_bias")

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        num_classes: int,
        features: Sequence[str] = ("c3", "c4", "c5"),
        channels: int = 96,
        depth: int = 2,
        bins: int = 8,
        points_per_object: int = 10,
        box_weight: float = 2.0,
        distribution_weight: float = 0.25,
        class_bias: float = -4.6,
        **decoding: Any,
    ) -> None:
        super().__init__(num_classes=num_classes, **decoding)
        check_features(features, in_channels)
        for name, number, least in (
            ("channels", channels, 1),
            ("depth", depth, 0),
            ("bins", bins, 2),
            ("points_per_object", points_per_object, 1),
        ):
            check_number(f"head.{name}", number, at_least=least, whole=True)
        check_number("head.box_weight", box_weight, at_least=0)
        check_number("head.distribution_weight", distribution_weight, at_least=0)
        check_number("head.class_bias", class_bias)
        self.features = tuple(features)
        self.needed_strides = {key: STRIDES[key] for key in self.features}
        self.channels = channels
        self.depth = depth
        self.bins = bins
        self.points_per_object = points_per_object
        self.box_weight = box_weight
        self.distribution_weight = distribution_weight

        self.pyramid = LightPyramid(in_channels=in_channels, features=features, channels=channels)
        num_maps = len(features) + 1
        self.towers = nn.ModuleList(
            nn.Sequential(*(Refinement(channels) for _ in range(depth))) for _ in range(num_maps)
        )
        self.class_layers = nn.ModuleList(
            nn.Conv2d(channels, num_classes - 1, kernel_size=1) for _ in range(num_maps)
        )
        self.box_layers = nn.ModuleList(
            nn.Conv2d(channels, 4 * bins, kernel_size=1) for _ in range(num_maps)
        )
        initialise(self, std=0.09)
        for layer in (*self.class_layers, *self.box_layers):
            initialise(layer, std=0.01)
        for layer in self.class_layers:
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None
            nn.init.constant_(layer.bias, class_bias)
        self._points: dict[Any, Points] = {}

    def outputs(self, features: Features) -> PyramidOutputs:
        """Logits and distances of every point."""
        maps = [tower(x) for tower, x in zip(self.towers, self.pyramid(features), strict=True)]
        logits = [
            by_anchor(layer(x), self.num_classes - 1)
            for layer, x in zip(self.class_layers, maps, strict=True)
        ]
        distances = [
            by_anchor(layer(x), 4 * self.bins)
            for layer, x in zip(self.box_layers, maps, strict=True)
        ]
        return PyramidOutputs(
            torch.cat(logits, dim=1).float(),
            torch.cat(distances, dim=1).float().unflatten(2, (4, self.bins)),
        )

    def points(self, features: Features, image: Tensor) -> Points:
        """The centres of all cells, map by map and row by row."""
        sides = [(x.shape[-2], x.shape[-1]) for x in (features[key] for key in self.features)]
        rows, columns = sides[-1]
        sides.append((-(-rows // 2), -(-columns // 2)))
        height, width = image.shape[-2:]
        key = (*sides, height, width, image.device)
        if key not in self._points:
            with torch.inference_mode(False):  # training, too, uses what validation made first
                maps = [_grid(*side, height=height, width=width) for side in sides]
                places, strides = (
                    torch.cat(part).to(image.device) for part in zip(*maps, strict=True)
                )
                self._points[key] = Points(places, strides)
        return self._points[key]

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Losses divided by the summed quality that the points should have.

        Args:
            features: Of the backbone.
            batch: ``image`` of shape ``(B, 3, H, W)``; ``boxes``, ``xyxy`` pixels padded to
                ``(B, M, 4)``; ``labels``, shape ``(B, M)``, -1 where padded.

        Returns:
            ``classification``, ``box`` and ``distribution``.
        """
        from torchvision.ops import generalized_box_iou_loss  # a second that predictions are spared

        outputs = self.outputs(features)
        places, strides = self.points(features, batch["image"])
        predicted = decode_distances(outputs.distances, places, strides)
        boxes, labels = batch["boxes"], batch["labels"]
        matches, quality = align_points(
            boxes,
            labels,
            places,
            predicted_boxes=predicted.detach(),
            scores=outputs.logits.detach().sigmoid(),
            per_object=self.points_per_object,
        )
        total = quality.sum().clamp(min=1)

        image, point = (matches != NO_OBJECT).nonzero(as_tuple=True)
        matched = matches[image, point]
        wanted, weight = boxes[image, matched], quality[image, point]
        box = (weight * generalized_box_iou_loss(predicted[image, point], wanted)).sum()
        spread = distribution_focal_loss(
            outputs.distances[image, point], wanted, places[point], strides[point]
        )
        distribution = (weight * spread).sum()
        targets = torch.zeros_like(outputs.logits)
        targets[image, point, labels[image, matched]] = weight
        return {
            "classification": quality_focal_loss(outputs.logits, targets).sum() / total,
            "box": self.box_weight * box / total,
            "distribution": self.distribution_weight * distribution / total,
        }

    def predict(self, features: Features, batch: Batch) -> Detections:
        """The best boxes of each image, after non-maximum suppression within each class."""
        points = self.points(features, batch["image"])
        return self.decoded(self.outputs(features), points, batch["image"])

    def decoded(self, outputs: PyramidOutputs, points: Points, image: Tensor) -> Detections:
        """The best boxes by what is said of points; ``image`` tells the sides."""
        place, point, label, scores = self.candidates(outputs.logits.sigmoid())
        boxes = decode_distances(
            outputs.distances[place, point], points.places[point], points.strides[point]
        )
        return self.detections(Detections(place, boxes, scores, label), {"image": image})

    def undecoded(self, features: Features, image: Tensor) -> Undecoded:
        """``logits`` and ``distances`` of all ``points``, which have ``strides``, in pixels."""
        points = self.points(features, image)
        coding = {
            "scores": "sigmoid of logits",
            "boxes": "left, top, right and bottom: distance = sum of softmax(distances) * (0, 1, "
            "...) * stride from the point",
            "points": "x, y in pixels of the input",
            "strides": "along x and y, in pixels of the input",
        }
        places = {"points": points.places, "strides": points.strides.contiguous()}
        return Undecoded(self.outputs(features)._asdict(), places, coding)

    def from_undecoded(self, found: Mapping[str, Tensor], image: Tensor) -> Detections:
        """Detections from logits, distances, points and strides."""
        outputs = PyramidOutputs(found["logits"], found["distances"])
        return self.decoded(outputs, Points(found["points"], found["strides"]), image)

    def predict_fixed(self, features: Features, image: Tensor) -> FixedDetections:
        """The same in arrays of fixed shapes."""
        outputs = self.outputs(features)
        places, strides = self.points(features, image)
        pairs = best_pairs(outputs.logits.sigmoid(), self.max_candidates)
        distances = rows(outputs.distances.flatten(2), pairs.places).unflatten(2, (4, self.bins))
        boxes = decode_distances(distances, places[pairs.places], strides[pairs.places])
        return self.fixed(boxes, pairs, image)

    def settings(self) -> dict[str, Any]:
        """The features, and what a side's values mean."""
        return {
            "features": list(self.features),
            "channels": self.channels,
            "depth": self.depth,
            "bins": self.bins,
        }

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Keeps the rows of ``classes``, or drops the class layers.

        Layers for fewer classes than the label map says are dropped too.
        """
        tensors = dict(tensors)
        for name in [name for name in tensors if name.startswith("class_layers.")]:
            layer = tensors.pop(name)
            if classes is not None and max(classes) < len(layer):
                tensors[name] = layer[list(classes)]
        return tensors


def _grid(rows: int, columns: int, *, height: int, width: int) -> Points:
    """Centres of the cells that an image is divided into."""
    stride = torch.tensor([width / columns, height / rows])
    cell = torch.stack(
        torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy"), dim=-1
    ).flatten(0, 1)
    return Points((cell + 0.5) * stride, stride.expand(len(cell), -1))
