"""The first stage of a two-stage detector: where there may be objects, of whatever class."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from backbone.errors import InputError, check_number
from backbone.layers import initialise
from heads.detection.anchors import by_anchor, grid_anchors
from heads.detection.assignment import assign, sample
from heads.detection.boxes import clip, cxcywh_to_xyxy, decode, encode, xyxy_to_cxcywh
from heads.detection.fixed import keep_better, rows
from heads.detection.greedy import nms

MIN_SIDE = 1e-3  # pixels; a box that clipping left nothing of is no proposal


class ProposalOutputs(NamedTuple):
    """Raw outputs: ``objectness``, shape ``(B, A)``, and encoded ``boxes``, ``(B, A, 4)``."""

    objectness: Tensor
    boxes: Tensor


class Proposals(NamedTuple):
    """``xyxy`` pixels, shape ``(B, P, 4)``, best first, and which are no padding, ``(B, P)``."""

    boxes: Tensor
    found: Tensor


class ProposalNetwork(nn.Module):
    """Finds likely places of objects on one or several feature maps (Ren et al. 2015, section 3.1).

    Boxes are pixels of the network input. They are clipped to what the finest map covers, which is
    the input with its sides rounded to that map's stride.

    Args:
        channels: Of every map.
        strides: Pixels for each step of each map.
        anchor_sides: Sides in pixels of each map's square anchors; as many on each map.
        anchor_ratios: Width by height of the anchors of each side, at the same area.
        hidden_channels: Of the 3x3 convolution; None for as many as the maps have.
        num_proposals: Left of an image after suppression.
        max_candidates: Best anchors of a map that enter it.
        nms_iou: Of two proposals of a map that overlap more, the better stays.
        foreground_iou: Overlap from which an anchor answers for an object.
        background_iou: Overlap below which it is background.
        num_sampled: Anchors of an image that the loss looks at.
        positive_share: At most this share of them answer for objects.
        box_weight: Weight of the box loss.

    Raises:
        InputError: If a setting is outside its bounds.
    """

    free_settings = (
        "num_proposals",
        "max_candidates",
        "nms_iou",
        "foreground_iou",
        "background_iou",
        "num_sampled",
        "positive_share",
        "box_weight",
    )

    def __init__(
        self,
        *,
        channels: int,
        strides: Sequence[int],
        anchor_sides: Sequence[Sequence[float]],
        anchor_ratios: Sequence[float] = (0.5, 1.0, 2.0),
        hidden_channels: int | None = None,
        num_proposals: int = 300,
        max_candidates: int = 1000,
        nms_iou: float = 0.7,
        foreground_iou: float = 0.7,
        background_iou: float = 0.3,
        num_sampled: int = 256,
        positive_share: float = 0.5,
        box_weight: float = 1.0,
    ) -> None:
        super().__init__()
        _check_anchors(anchor_sides, anchor_ratios, num_maps=len(strides))
        for name, number in (
            ("hidden_channels", 1 if hidden_channels is None else hidden_channels),
            ("num_proposals", num_proposals),
            ("max_candidates", max_candidates),
            ("num_sampled", num_sampled),
        ):
            check_number(f"head.proposals.{name}", number, at_least=1, whole=True)
        for name, share in (("nms_iou", nms_iou), ("positive_share", positive_share)):
            check_number(f"head.proposals.{name}", share, at_least=0, at_most=1)
        check_number("head.proposals.foreground_iou", foreground_iou, above=0, at_most=1)
        check_number(
            "head.proposals.background_iou", background_iou, at_least=0, at_most=foreground_iou
        )
        check_number("head.proposals.box_weight", box_weight, at_least=0)
        self.strides = tuple(strides)
        self.anchor_sides = [[float(side) for side in sides] for sides in anchor_sides]
        self.anchor_ratios = [float(ratio) for ratio in anchor_ratios]
        self.num_proposals = num_proposals
        self.max_candidates = max_candidates
        self.nms_iou = nms_iou
        self.foreground_iou = foreground_iou
        self.background_iou = background_iou
        self.num_sampled = num_sampled
        self.positive_share = positive_share
        self.box_weight = box_weight

        number = len(self.anchor_sides[0]) * len(self.anchor_ratios)
        hidden = channels if hidden_channels is None else hidden_channels
        self.conv = nn.Conv2d(channels, hidden, kernel_size=3, padding=1)
        self.objectness_layer = nn.Conv2d(hidden, number, kernel_size=1)
        self.box_layer = nn.Conv2d(hidden, 4 * number, kernel_size=1)
        initialise(self, std=0.01)
        self._anchors: dict[Any, list[Tensor]] = {}

    def forward(self, maps: Sequence[Tensor]) -> ProposalOutputs:
        """Objectness and encoded box of every anchor, map by map."""
        hidden = [F.relu(self.conv(x)) for x in maps]
        objectness = [by_anchor(self.objectness_layer(x), 1).squeeze(-1) for x in hidden]
        boxes = [by_anchor(self.box_layer(x), 4) for x in hidden]
        return ProposalOutputs(
            torch.cat(objectness, dim=1).float(), torch.cat(boxes, dim=1).float()
        )

    def anchors(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """``cxcywh`` pixels of the network input for each map, ``(anchors of the map, 4)``."""
        key = (*(x.shape[-2:] for x in maps), maps[0].device)
        if key not in self._anchors:
            self._anchors[key] = [
                self._map_anchors(x.shape[-2], x.shape[-1], level).to(x.device)
                for level, x in enumerate(maps)
            ]
        return self._anchors[key]

    def _map_anchors(self, rows: int, columns: int, level: int) -> Tensor:
        height, width = rows * self.strides[level], columns * self.strides[level]
        shapes = [
            (side * ratio**0.5 / width, side / ratio**0.5 / height)
            for side in self.anchor_sides[level]
            for ratio in self.anchor_ratios
        ]
        shares = grid_anchors([(rows, columns)], [shapes])
        return shares * shares.new_tensor([width, height, width, height])

    @torch.no_grad()
    def propose(self, outputs: ProposalOutputs, maps: Sequence[Tensor]) -> Proposals:
        """The best boxes of each image, ``num_proposals`` of them with the padding."""
        if outputs.boxes.is_meta:  # where there are shapes and no values, nothing can be chosen
            return self._padded(list(outputs.boxes[:, :0]))
        anchors = self.anchors(maps)
        place = _best_of_each_map(outputs.objectness, anchors, count=self.max_candidates)
        scores = outputs.objectness.gather(1, place)
        codes = outputs.boxes.gather(1, place[..., None].expand(-1, -1, 4))
        boxes = cxcywh_to_xyxy(decode(codes, torch.cat(anchors)[place]))
        # a training that diverges is to end by its loss, not here
        height, width = (side * self.strides[0] for side in maps[0].shape[-2:])
        boxes = clip(boxes.nan_to_num(), height=height, width=width)

        # boxes of different maps are moved apart
        sizes = torch.tensor([len(some) for some in anchors], device=place.device)
        level = torch.bucketize(place, sizes.cumsum(0), right=True)
        apart = boxes + (level * (boxes.max() + 1))[..., None]
        found = []
        # image by image: what suppression takes grows with the square of its boxes
        for own, moved, score in zip(boxes, apart, scores, strict=True):
            own = own[nms(moved, score, self.nms_iou)]
            is_large = (own[:, 2:] - own[:, :2]).amin(-1) >= MIN_SIDE
            found.append(own[is_large][: self.num_proposals])
        return self._padded(found)

    def propose_fixed(self, outputs: ProposalOutputs, maps: Sequence[Tensor]) -> Proposals:
        """The same by operations that every exporter knows; ``found`` is 1 and 0."""
        anchors = self.anchors(maps)
        place = _best_of_each_map(outputs.objectness, anchors, count=self.max_candidates)
        scores, order = outputs.objectness.gather(1, place).topk(place.shape[1], dim=1)
        place = place.gather(1, order)
        boxes = cxcywh_to_xyxy(decode(rows(outputs.boxes, place), torch.cat(anchors)[place]))
        height, width = (side * self.strides[0] for side in maps[0].shape[-2:])
        boxes = clip(boxes, height=height, width=width)
        ends = torch.tensor([len(some) for some in anchors], device=place.device).cumsum(0)
        level = (place[..., None] >= ends).sum(-1)
        keep = keep_better(boxes, torch.ones_like(scores), iou=self.nms_iou, labels=level)
        keep = keep * ((boxes[..., 2:] - boxes[..., :2]).amin(-1) >= MIN_SIDE).to(keep.dtype)
        # the first of those that stay; the others behind them are nothing
        falling = torch.arange(keep.shape[1], 0, -1, device=keep.device, dtype=keep.dtype)
        value, index = (keep * falling).topk(min(self.num_proposals, keep.shape[1]), dim=1)
        found = (value > 0).to(boxes.dtype)
        return Proposals(rows(boxes, index) * found[..., None], found)

    def _padded(self, boxes: Sequence[Tensor]) -> Proposals:
        padded = pad_sequence(list(boxes), batch_first=True)
        missing = self.num_proposals - padded.shape[1]
        counts = torch.tensor([len(some) for some in boxes], device=padded.device)
        numbers = torch.arange(self.num_proposals, device=padded.device)
        return Proposals(F.pad(padded, (0, 0, 0, missing)), numbers < counts[:, None])

    def loss(
        self, outputs: ProposalOutputs, maps: Sequence[Tensor], boxes: Tensor, is_object: Tensor
    ) -> dict[str, Tensor]:
        """Loss of randomly drawn anchors, divided by their number.

        Args:
            outputs: Of the network.
            maps: What they were computed from.
            boxes: ``xyxy``, shape ``(B, M, 4)``, padded.
            is_object: Which of them are objects, shape ``(B, M)``.

        Returns:
            ``objectness`` and ``proposal_box``.
        """
        anchors = torch.cat(self.anchors(maps))
        matches = assign(
            boxes,
            is_object,
            cxcywh_to_xyxy(anchors),
            foreground_iou=self.foreground_iou,
            background_iou=self.background_iou,
            keep_best=True,
        )
        drawn, counts = sample(matches, count=self.num_sampled, positive_share=self.positive_share)
        positive = (matches.gather(1, drawn) >= 0) & counts
        objectness = F.binary_cross_entropy_with_logits(
            outputs.objectness.gather(1, drawn)[counts], positive[counts].float()
        )
        image, column = positive.nonzero(as_tuple=True)
        place = drawn[image, column]
        wanted = encode(xyxy_to_cxcywh(boxes[image, matches[image, place]]), anchors[place])
        box = F.smooth_l1_loss(outputs.boxes[image, place], wanted, reduction="sum")
        return {
            "objectness": objectness,
            "proposal_box": self.box_weight * box / counts.sum(),
        }

    def settings(self) -> dict[str, Any]:
        """The anchors that the boxes are encoded against, and the width of the layers."""
        return {
            "anchor_sides": self.anchor_sides,
            "anchor_ratios": self.anchor_ratios,
            "hidden_channels": self.conv.out_channels,
        }


def _check_anchors(
    sides: Sequence[Sequence[float]], ratios: Sequence[float], *, num_maps: int
) -> None:
    for name, some in (("sides", sides), ("ratios", ratios)):
        if not isinstance(some, Sequence):
            raise InputError(f"head.proposals.anchor_{name}={some}: a list is needed")
    lengths = {len(some) if isinstance(some, Sequence) else 0 for some in sides}
    if len(sides) != num_maps or len(lengths) != 1 or lengths == {0}:
        raise InputError(
            f"head.proposals.anchor_sides={sides}: a list of lists is needed, one for each map "
            f"({num_maps}) and all of the same length, such as [[32, 64, 128]] for a single map"
        )
    if not ratios:
        raise InputError("head.proposals.anchor_ratios=[]: at least one ratio is needed")
    for side in (side for some in sides for side in some):
        check_number("head.proposals.anchor_sides", side, above=0)
    for ratio in ratios:
        check_number("head.proposals.anchor_ratios", ratio, above=0)


def _best_of_each_map(objectness: Tensor, anchors: Sequence[Tensor], *, count: int) -> Tensor:
    """Indices of each image's best anchors, ``count`` of each map."""
    best, start = [], 0
    for part in objectness.split([len(some) for some in anchors], dim=1):
        best.append(part.topk(min(count, part.shape[1]), dim=1).indices + start)
        start += part.shape[1]
    return torch.cat(best, dim=1)
