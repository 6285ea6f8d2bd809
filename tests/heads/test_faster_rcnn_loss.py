"""The losses of both stages against torchvision's, and where torchvision's has nothing to say."""

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import box_iou

from backbone.mobilenet import MobileNet
from heads.detection import assignment, proposals, two_stage
from heads.detection.boxes import cxcywh_to_xyxy
from heads.detection.two_stage import TwoStageHead
from heads.faster_rcnn import FasterRCNNHead
from tests.heads.detectors import faster_rcnn, pyramid, random_batch, random_features
from tests.heads.detectors import proposals as first_stage
from tests.heads.networks import NUM_CLASSES, Network, batch_of

NO_BOXES: list[list[float]] = []
OBJECT = [10.0, 20.0, 40.0, 50.0]
TINY = [50.0, 50.0, 50.2, 50.1]
CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[list[Tensor]]:
    """What ``sample`` drew, as masks for each image: positives and negatives, in turn."""
    found: list[list[Tensor]] = []

    def spy(matches: Tensor, **settings: Any) -> tuple[Tensor, Tensor]:
        index, counts = assignment.sample(matches, **settings)
        chosen = torch.zeros_like(matches, dtype=torch.bool).scatter(1, index, counts)
        found.append([chosen & (matches >= 0), chosen & (matches < 0)])
        return index, counts

    monkeypatch.setattr(proposals, "sample", spy)
    monkeypatch.setattr(two_stage, "sample", spy)
    # torchvision's loss turns from square to linear at 1/9, where the paper's turns at 1
    smooth_l1 = F.smooth_l1_loss
    monkeypatch.setattr(F, "smooth_l1_loss", lambda *a, **k: smooth_l1(*a, **k | {"beta": 1 / 9}))
    return found


def targets_of(batch: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    return [
        {"boxes": boxes[labels >= 0], "labels": labels[labels >= 0] + 1}
        for boxes, labels in zip(batch["boxes"], batch["labels"], strict=True)
    ]


def torchvision_first_stage(
    head: TwoStageHead, maps: list[Tensor], targets: list[dict[str, Tensor]], drawn: list[Tensor]
) -> tuple[Tensor, Tensor]:
    stage = SimpleNamespace(
        box_similarity=box_iou,
        proposal_matcher=Matcher(0.7, 0.3, allow_low_quality_matches=True),
        fg_bg_sampler=lambda _: [list(mask.byte()) for mask in drawn],
    )
    outputs = head.proposals(maps)
    anchors = [cxcywh_to_xyxy(torch.cat(head.proposals.anchors(maps)))] * len(targets)
    labels, matched = RegionProposalNetwork.assign_targets_to_anchors(stage, anchors, targets)
    wanted = CODER.encode(matched, anchors)
    codes = outputs.boxes.flatten(0, 1)
    return RegionProposalNetwork.compute_loss(stage, outputs.objectness, codes, labels, wanted)


def torchvision_second_stage(
    head: TwoStageHead, maps: list[Tensor], targets: list[dict[str, Tensor]], drawn: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """With the boxes drawn from proposals, padding and objects, which both have in this order."""
    found = head.proposals.propose(head.proposals(maps), maps)
    stage = SimpleNamespace(
        box_similarity=box_iou,
        proposal_matcher=Matcher(0.5, 0.5, allow_low_quality_matches=False),
        box_coder=CODER,
        has_mask=lambda: False,
        has_keypoint=lambda: False,
        check_targets=lambda _: None,
        add_gt_proposals=lambda boxes, objects: [
            torch.cat(pair) for pair in zip(boxes, objects, strict=True)
        ],
    )
    stage.assign_targets_to_proposals = lambda *a: RoIHeads.assign_targets_to_proposals(stage, *a)
    stage.subsample = lambda labels: [
        mask[: len(some)].nonzero()[:, 0]
        for mask, some in zip(drawn[0] | drawn[1], labels, strict=True)
    ]
    regions, _, labels, wanted = RoIHeads.select_training_samples(stage, list(found.boxes), targets)
    logits, codes = zip(
        *(
            [x[0] for x in head.look_at([x[i : i + 1] for x in maps], boxes[None])]
            for i, boxes in enumerate(regions)
        ),
        strict=True,
    )
    # torchvision has boxes for background too
    with_background = F.pad(torch.cat(codes), (0, 0, 1, 0)).flatten(1)
    return fastrcnn_loss(torch.cat(logits), with_background, labels, wanted)


@pytest.mark.parametrize("make", [faster_rcnn, pyramid])
@pytest.mark.parametrize("counts", [[1, 1], [9, 3, 5], [12], [2, 0]])
def test_losses_equal_torchvisions(make: Any, counts: list[int], drawn: list[list[Tensor]]) -> None:
    head = make()
    batch, features = random_batch(counts), random_features(len(counts))
    found = head.loss(features, batch)
    maps, targets = head.maps(features), targets_of(batch)
    first, second = drawn
    expected = dict(
        zip(
            ("objectness", "proposal_box", "classification", "box"),
            (
                *torchvision_first_stage(head, maps, targets, first),
                *torchvision_second_stage(head, maps, targets, second),
            ),
            strict=True,
        )
    )
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert value > 0
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-5)
    slopes = [
        torch.autograd.grad(sum(losses.values()), list(head.parameters()), retain_graph=True)
        for losses in (found, expected)
    ]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("make", [faster_rcnn, pyramid])
@pytest.mark.parametrize(
    ("boxes", "labels"),
    [
        ([NO_BOXES, NO_BOXES], [[], []]),
        ([NO_BOXES, [OBJECT]], [[], [2]]),
        ([[OBJECT, OBJECT], [OBJECT]], [[0, 1], [2]]),
        ([[TINY], [TINY]], [[0], [2]]),
    ],
    ids=["no objects", "one image without", "two objects in one place", "tiny objects"],
)
def test_every_batch_teaches(make: Any, boxes: Any, labels: Any) -> None:
    head = make()
    losses = head.loss(random_features(2), batch_of(boxes, labels))
    assert losses["objectness"] > 0
    assert losses["classification"] > 0
    assert (losses["box"] > 0) == (losses["proposal_box"] > 0) == any(boxes)
    sum(losses.values()).backward()
    for parameter in head.parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all()
    assert head.class_layer.bias.grad.any() and head.proposals.objectness_layer.bias.grad.any()


def test_padding_changes_nothing_but_what_is_drawn() -> None:
    head = faster_rcnn(num_sampled=500, positive_share=1.0, first={"num_sampled": 10_000})
    features, batch = random_features(2), random_batch([3, 3])
    padded = dict(batch)
    padded["boxes"] = torch.cat([batch["boxes"], torch.zeros(2, 5, 4)], dim=1)
    padded["labels"] = torch.cat([batch["labels"], torch.full((2, 5), -1)], dim=1)
    found, expected = head.loss(features, padded), head.loss(features, batch)
    for name in ("classification", "box"):
        torch.testing.assert_close(found[name], expected[name])


def test_the_seed_decides_and_the_mode_does_not() -> None:
    head, features, batch = faster_rcnn(), random_features(2), random_batch([3, 4])
    losses = []
    for seed, training in ((0, True), (0, False), (1, True)):
        torch.manual_seed(seed)
        losses.append(head.train(training).loss(features, batch))
    assert losses[0] == losses[1] != losses[2]


def test_box_weights_weigh_the_box_losses_alone() -> None:
    features, batch = random_features(1), random_batch([4])
    losses = []
    for weight in (1.0, 2.0):
        head = faster_rcnn(box_weight=weight, first={"box_weight": 3 * weight})
        torch.manual_seed(0)
        losses.append(head.loss(features, batch))
    single, double = losses
    for name, factor in (("objectness", 1), ("proposal_box", 2), ("classification", 1), ("box", 2)):
        torch.testing.assert_close(double[name], factor * single[name])


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = FasterRCNNHead(
        in_channels=backbone.out_channels, num_classes=NUM_CLASSES, proposals=first_stage()
    )
    head.tail = backbone.tail
    network = Network(backbone, head).train()
    features = network.backbone.trunk(torch.randn(4, 3, 96, 96))
    sum(head.loss(features, random_batch([5, 5, 5, 5])).values()).backward()
    without = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []
    assert not [name for name, _ in head.named_parameters() if "tail" in name]


def test_a_copy_runs_the_tail_of_its_own_backbone() -> None:
    backbone = MobileNet(width=0.25)
    head = FasterRCNNHead(
        in_channels=backbone.out_channels, num_classes=NUM_CLASSES, proposals=first_stage()
    )
    head.tail = backbone.tail
    copied = copy.deepcopy(Network(backbone, head))
    assert copied.head.tail.__self__ is copied.backbone is not backbone


def test_anchors_made_while_evaluating_serve_in_training() -> None:
    head, batch = faster_rcnn(), random_batch([2])
    with torch.inference_mode():
        head.predict(random_features(1), batch)
    sum(head.loss(random_features(1), batch).values()).backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
