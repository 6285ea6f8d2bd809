"""Masks of a two-stage detector: their loss against torchvision's, and what is predicted."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import maskrcnn_loss
from torchvision.ops import roi_align

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from heads.detection.two_stage import Drawn
from heads.mask_rcnn import MaskRCNNHead, cut_masks, pad_boxes
from tests.heads.detectors import (
    CHANNELS,
    SIDE,
    faster_rcnn,
    mask_rcnn,
    proposals,
    random_batch,
    random_features,
)
from tests.heads.networks import NUM_CLASSES, Network, batch_of

GRID = 12  # of crops of 6
OBJECT = [10.0, 20.0, 40.0, 50.0]


def with_masks(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Adds random masks of half the image's side."""
    torch.manual_seed(0)
    masks = torch.rand(*batch["labels"].shape, SIDE // 2, SIDE // 2) > 0.5
    return batch | {"masks": masks.to(torch.uint8)}


@pytest.mark.parametrize("counts", [[1], [3, 2], [5, 0, 1]], ids=str)
def test_the_loss_equals_torchvisions(counts: list[int]) -> None:
    head, batch = mask_rcnn(mask_weight=2.0), with_masks(random_batch(counts))
    boxes = random_batch([9] * len(counts))["boxes"]
    matches = torch.stack([torch.arange(9) % (number + 1) - 1 for number in counts])
    drawn = Drawn(boxes, matches, counts=torch.arange(9).expand_as(matches) < 7)
    maps = head.maps(random_features(len(counts)))
    found = head.region_losses(maps, drawn, batch)["mask"] / 2

    positive = (matches >= 0) & drawn.counts
    seen = head.tail(head.crops(maps, boxes)).unflatten(0, matches.shape)
    expected = maskrcnn_loss(
        head.mask_logits(seen[positive]),
        # in pixels of the masks; its grids are half of one further than the boxes they are of
        [rows[chosen] / 2 - 0.5 for rows, chosen in zip(boxes, positive, strict=True)],
        list(batch["masks"]),
        list(batch["labels"]),
        [rows[chosen] for rows, chosen in zip(matches, positive, strict=True)],
    )
    assert found > 0
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    parameters = [*head.mask_branch.parameters(), *head.mask_layer.parameters()]
    slopes = [torch.autograd.grad(loss, parameters) for loss in (found, expected)]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_the_other_losses_are_those_of_faster_rcnn() -> None:
    features, batch = random_features(2), with_masks(random_batch([4, 2]))
    losses = []
    for head in (mask_rcnn(), faster_rcnn()):
        torch.manual_seed(0)
        losses.append(head.loss(features, batch))
    with_mask, without = losses
    assert with_mask.keys() - without.keys() == {"mask"}
    for name, value in without.items():
        torch.testing.assert_close(with_mask[name], value)


@pytest.mark.parametrize(
    ("boxes", "labels"),
    [([[], []], [[], []]), ([[], [OBJECT]], [[], [2]]), ([[[50, 50, 50.2, 50.1]]] * 2, [[0], [1]])],
    ids=["no objects", "one image without", "tiny objects"],
)
@pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])
def test_every_batch_teaches(boxes: Any, labels: Any, training: bool) -> None:
    head = mask_rcnn().train(training)
    losses = head.loss(random_features(2), with_masks(batch_of(boxes, labels, side=SIDE)))
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert (losses["mask"] > 0) == any(boxes)
    sum(losses.values()).backward()
    for parameter in head.parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all()


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = MaskRCNNHead(
        in_channels=backbone.out_channels, num_classes=NUM_CLASSES, proposals=proposals()
    )
    head.tail = backbone.tail
    network = Network(backbone, head).train()
    features = backbone.trunk(torch.randn(4, 3, SIDE, SIDE))
    losses = head.loss(features, with_masks(random_batch([5, 5, 5, 5])))
    sum(losses.values()).backward()
    assert not [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]


def test_a_task_without_masks_is_refused() -> None:
    with pytest.raises(InputError, match="task=mask_rcnn_coco"):
        mask_rcnn().loss(random_features(1), random_batch([1]))


def test_detections_are_those_of_faster_rcnn_with_masks() -> None:
    settings = {"score_threshold": 0.35, "nms_iou": 0.5}
    head, features = mask_rcnn(**settings), random_features(3)
    batch = random_batch([0, 0, 0])
    found = head.predict(features, batch)
    expected = faster_rcnn(**settings).predict(features, batch)
    assert len(found.boxes) > 10
    assert len(found.image.bincount().unique()) > 1  # so that some are padded
    for ours, theirs in zip(found[:4], expected[:4], strict=True):
        torch.testing.assert_close(ours, theirs)
    assert found.masks is not None and found.masks.std() > 0.1
    for image, box, _, label, mask in zip(*found, strict=True):
        crop = roi_align(
            features["c4"][image, None], [box[None]], 6, spatial_scale=1 / 16, sampling_ratio=1,
            aligned=True,
        )  # fmt: skip
        alone = head.mask_logits(head.tail(crop))[0, label].sigmoid()
        torch.testing.assert_close(mask, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_nothing_found_has_no_masks(stride: int) -> None:
    """Of the sides that masks have, whatever the tail makes of a crop."""
    head = mask_rcnn(score_threshold=1.0)
    head.tail = nn.Conv2d(16, 24, 3, stride=stride, padding=1).forward
    found = head.predict(random_features(2), random_batch([0, 0]))
    side = 4 * 6 // stride
    assert found.masks is not None and found.masks.shape == (0, side, side)


def test_outputs_have_a_mask_for_each_detection_there_can_be() -> None:
    outputs = mask_rcnn(max_detections=7).outputs(random_features(2))
    assert outputs.masks is not None
    assert outputs.masks.shape == (2, 7, NUM_CLASSES - 1, GRID, GRID)


def test_classes_are_selected_row_by_row() -> None:
    head = mask_rcnn()
    tensors = head.state_dict()
    kept = head.select_classes(tensors, [2, 0])
    assert kept.keys() == tensors.keys()
    for name in ("mask_layer.weight", "mask_layer.bias"):
        assert torch.equal(kept[name], tensors[name][[2, 0]])
    for classes in (None, [7]):
        dropped = tensors.keys() - head.select_classes(tensors, classes).keys()
        assert {name for name in dropped if name.startswith("mask_")} == {
            "mask_layer.weight",
            "mask_layer.bias",
        }


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"mask_channels": 0}, "head.mask_channels=0"), ({"mask_weight": -1}, "head.mask_weight=-1")],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        MaskRCNNHead(
            in_channels=CHANNELS, num_classes=NUM_CLASSES, proposals=proposals(), **settings
        )


def test_masks_are_cut_exactly_where_the_boxes_are() -> None:
    masks = torch.zeros(2, 8, 8, dtype=torch.uint8)  # of an image of 16 pixels
    masks[:, :, :4] = 1
    boxes = torch.tensor([[0.0, 0.0, 16.0, 16.0], [4.0, 0.0, 12.0, 8.0]])
    cut = cut_masks(masks, boxes, image_size=16, grid_size=4)
    assert torch.equal(cut, torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(2, 4, 4))


def test_boxes_in_rows_of_their_images() -> None:
    boxes = torch.arange(12.0).view(3, 4)
    padded, is_box = pad_boxes(torch.tensor([0, 2, 2]), boxes, num_images=4)
    assert is_box.tolist() == [[True, False], [False, False], [True, True], [False, False]]
    assert torch.equal(padded[is_box], boxes)
    assert not padded[~is_box].any()
