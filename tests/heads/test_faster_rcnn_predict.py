"""Proposals and detections against torchvision's, and what the head keeps of other weights."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

from backbone.errors import InputError
from heads.detection.boxes import cxcywh_to_xyxy
from heads.detection.two_stage import TwoStageHead
from tests.heads.detectors import CHANNELS, SIDE, faster_rcnn, pyramid, random_features
from tests.heads.networks import NUM_CLASSES, batch_of

CODER = BoxCoder((10.0, 10.0, 5.0, 5.0), bbox_xform_clip=4.0)


def no_objects(num_images: int, side: int = SIDE) -> dict[str, Tensor]:
    return batch_of([[]] * num_images, [[]] * num_images, side=side)


def torchvision_proposals(head: TwoStageHead, features: dict[str, Tensor]) -> list[Tensor]:
    stage = head.proposals
    maps = head.maps(features)
    outputs, anchors = stage(maps), stage.anchors(maps)
    num_images = len(outputs.boxes)
    boxes = CODER.decode(
        outputs.boxes.flatten(0, 1), [cxcywh_to_xyxy(torch.cat(anchors))] * num_images
    )
    rpn = RegionProposalNetwork(
        None, None, 0.7, 0.3, 256, 0.5,
        {"training": stage.max_candidates, "testing": stage.max_candidates},
        {"training": stage.num_proposals, "testing": stage.num_proposals},
        stage.nms_iou,
    )  # fmt: skip
    sizes = [len(some) for some in anchors]
    found, _ = rpn.filter_proposals(
        boxes.view(num_images, -1, 4), outputs.objectness, [(SIDE, SIDE)] * num_images, sizes
    )
    return found


@pytest.mark.parametrize("make", [faster_rcnn, pyramid])
@pytest.mark.parametrize("settings", [{}, {"num_proposals": 7, "max_candidates": 30}], ids=str)
def test_proposals_equal_torchvisions(make: Any, settings: dict[str, int]) -> None:
    head, features = make(), random_features(3)
    for name, value in settings.items():
        setattr(head.proposals, name, value)
    maps = head.maps(features)
    found = head.proposals.propose(head.proposals(maps), maps)
    assert found.boxes.shape == (3, head.proposals.num_proposals, 4)
    for boxes, is_found, expected in zip(
        *found, torchvision_proposals(head, features), strict=True
    ):
        assert is_found.sum() == len(expected) > 5
        assert (is_found.int().diff() <= 0).all()  # the padding comes last
        assert not boxes[~is_found].any()
        torch.testing.assert_close(boxes[is_found], expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("make", [faster_rcnn, pyramid])
@pytest.mark.parametrize(
    "settings",
    [{}, {"max_detections": 5}, {"score_threshold": 0.4}, {"nms_iou": 0.1}],
    ids=lambda settings: ", ".join(settings) or "defaults",
)
def test_detections_equal_torchvisions(make: Any, settings: dict[str, float]) -> None:
    head, features = make(max_candidates=10_000, **settings), random_features(3)
    outputs = head.outputs(features)
    proposals = [
        boxes[found]
        for boxes, found in zip(outputs.proposals.boxes, outputs.proposals.found, strict=True)
    ]
    stage = SimpleNamespace(
        box_coder=CODER,
        score_thresh=head.score_threshold,
        nms_thresh=head.nms_iou,
        detections_per_img=head.max_detections,
    )
    is_found = outputs.proposals.found
    with_background = F.pad(outputs.boxes[is_found], (0, 0, 1, 0)).flatten(1)
    boxes, scores, labels = RoIHeads.postprocess_detections(
        stage, outputs.logits[is_found], with_background, proposals, [(SIDE, SIDE)] * 3
    )
    found = head.predict(features, no_objects(3))
    assert (found.image.diff() >= 0).all()
    assert len(found.image) > 0
    for image in range(3):
        mine = found.image == image
        assert len(scores[image]) == mine.sum()
        torch.testing.assert_close(found.scores[mine], scores[image])
        torch.testing.assert_close(found.labels[mine] + 1, labels[image])
        torch.testing.assert_close(found.boxes[mine], boxes[image], atol=1e-3, rtol=1e-4)


def test_an_image_finds_the_same_alone_and_among_others() -> None:
    head, features = faster_rcnn(), random_features(3)
    together = head.predict(features, no_objects(3))
    alone = head.predict({key: x[1:2] for key, x in features.items()}, no_objects(1))
    for ours, theirs in zip(together[1:4], alone[1:4], strict=True):
        torch.testing.assert_close(ours[together.image == 1], theirs, atol=1e-4, rtol=1e-4)


def test_nothing_found() -> None:
    found = faster_rcnn(score_threshold=1.0).predict(random_features(2), no_objects(2))
    assert [len(column) for column in found[:4]] == [0, 0, 0, 0]


def test_boxes_stay_within_the_image() -> None:
    """A map of seven steps covers 112 pixels of an image of 100."""
    features = {key: torch.randn(1, number, 7, 7) for key, number in CHANNELS.items()}
    found = faster_rcnn().predict(features, no_objects(1, side=100))
    assert len(found.boxes) and found.boxes.amin() >= 0 and found.boxes.amax() <= 100


@pytest.mark.parametrize("make", [faster_rcnn, pyramid])
def test_padding_is_never_detected(make: Any) -> None:
    head, features = make(score_threshold=0.0, max_candidates=10_000), random_features(2)
    head.proposals.num_proposals = 4000  # more than there are anchors
    outputs = head.outputs(features)
    assert outputs.logits.shape == (2, 4000, NUM_CLASSES)
    assert not outputs.proposals.found.all()
    found = head.predict(features, no_objects(2))
    assert ((found.boxes[:, 2:] - found.boxes[:, :2]).amin(1) > 0).all()


def test_outputs_that_are_no_numbers_end_in_a_loss_that_is_none() -> None:
    head = faster_rcnn()
    features = {key: torch.full_like(x, torch.nan) for key, x in random_features(1).items()}
    batch = batch_of([[[10.0, 20.0, 40.0, 50.0]]], [[0]], side=SIDE)
    assert torch.stack(list(head.loss(features, batch).values())).sum().isnan()


@pytest.mark.parametrize("make", [faster_rcnn, pyramid])
def test_classes_are_selected_row_by_row(make: Any) -> None:
    head = make()
    tensors = head.state_dict()
    kept = head.select_classes(tensors, [2, 0])
    assert kept.keys() == tensors.keys()
    for name in ("weight", "bias"):
        classes, boxes = tensors[f"class_layer.{name}"], tensors[f"box_layer.{name}"]
        assert torch.equal(kept[f"class_layer.{name}"], classes[[0, 3, 1]])
        assert torch.equal(kept[f"box_layer.{name}"], boxes[[8, 9, 10, 11, 0, 1, 2, 3]])
    for classes in (None, [7]):
        dropped = tensors.keys() - head.select_classes(tensors, classes).keys()
        layers = ("class_layer", "box_layer")
        assert dropped == {f"{layer}.{name}" for layer in layers for name in ("weight", "bias")}


def test_settings_say_what_the_tensors_are_for() -> None:
    assert faster_rcnn().settings() == {
        "crop_size": 6,
        "crop_samples": 1,
        "anchor_sides": [[16.0, 32.0, 64.0]],
        "anchor_ratios": [0.5, 1.0, 2.0],
        "hidden_channels": 16,
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"crop_size": 0}, "head.crop_size=0"),
        ({"min_iou": 0}, "head.min_iou=0"),
        ({"nms_iou": 2}, "head.nms_iou=2"),
        ({"box_weight": -1}, "head.box_weight=-1"),
        ({"first": {"anchor_sides": [[16], [32]]}}, "one for each map"),
        ({"first": {"anchor_sides": [[]]}}, "anchor_sides"),
        ({"first": {"anchor_sides": [16, 32]}}, "anchor_sides"),
        ({"first": {"anchor_sides": [16]}}, "anchor_sides"),
        ({"first": {"anchor_sides": [[-16]]}}, "anchor_sides=-16"),
        ({"first": {"anchor_ratios": []}}, "anchor_ratios"),
        ({"first": {"num_proposals": 0}}, "num_proposals=0"),
        ({"first": {"background_iou": 0.8}}, "background_iou=0.8"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        faster_rcnn(**settings)
