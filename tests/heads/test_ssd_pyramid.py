"""SSD on a light feature pyramid."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from heads.ssd_pyramid import PyramidOutputs, PyramidSSDHead
from tests.heads.networks import Network, batch_of

SIDE = 96
NUM_CLASSES = 4
MAP_SIDES = (12, 6, 3, 2)
NUM_POINTS = sum(side**2 for side in MAP_SIDES)


def small_network(**settings: Any) -> Network:
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = PyramidSSDHead(
        in_channels=backbone.out_channels, num_classes=NUM_CLASSES, channels=16, **settings
    )
    return Network(backbone, head)


def features_of(network: Network, num_images: int = 2, side: int = SIDE) -> dict[str, Tensor]:
    return network.backbone(torch.randn(num_images, 3, side, side))


def fix_outputs(head: PyramidSSDHead, outputs: PyramidOutputs) -> None:
    head.outputs = lambda _: outputs  # type: ignore[method-assign]


def perfect_outputs(
    network: Network, boxes: Tensor, labels: Tensor, features: dict[str, Tensor]
) -> PyramidOutputs:
    """Every point inside an object draws it exactly and is sure of its class."""
    head = network.head
    places, strides = head.points(features, torch.zeros(1, 3, SIDE, SIDE))
    logits = torch.full((1, NUM_POINTS, NUM_CLASSES - 1), -20.0)
    distances = torch.zeros(1, NUM_POINTS, 4, head.bins)
    for box, label in zip(boxes, labels, strict=True):
        steps = torch.cat([places - box[:2], box[2:] - places], dim=1) / strides.repeat(1, 2)
        for point in ((steps > 0) & (steps < head.bins - 1)).all(1).nonzero()[:, 0]:
            logits[0, point, label] = 20.0
            below = steps[point].long()
            share = steps[point] - below
            side = torch.arange(4)
            distances[0, point] = -100.0
            distances[0, point, side, below] = (1 - share).clamp(min=1e-9).log()
            distances[0, point, side, below + 1] = share.clamp(min=1e-9).log()
    return PyramidOutputs(logits, distances)


OBJECTS = torch.tensor([[5.0, 10.0, 40.0, 60.0], [60.0, 50.0, 90.0, 80.0]])
LABELS = torch.tensor([0, 2])


def test_perfect_outputs_are_found_and_cost_almost_nothing() -> None:
    network = small_network(points_per_object=NUM_POINTS).eval()
    features = features_of(network, 1)
    fix_outputs(network.head, perfect_outputs(network, OBJECTS, LABELS, features))
    batch = batch_of([OBJECTS.tolist()], [LABELS.tolist()], side=SIDE)
    losses = network.head.loss(features, batch)
    assert losses["classification"] < 1e-6
    assert losses["box"] < 1e-4
    found = network.head.predict(features, batch)
    assert sorted(found.labels.tolist()) == [0, 2]
    overlaps = box_iou(found.boxes, OBJECTS).amax(dim=1)
    assert overlaps.min() > 0.999


@pytest.mark.parametrize("side", [96, 50, 75])
def test_points_are_the_centres_of_all_cells(side: int) -> None:
    network = small_network().eval()
    features = features_of(network, 1, side)
    points = network.head.points(features, torch.zeros(1, 3, side, side))
    outputs = network.head.outputs(features)
    assert len(points.places) == outputs.logits.shape[1]
    start = 0
    for key in ("c3", "c4", "c5"):
        rows, columns = features[key].shape[-2:]
        mine = points.places[start : start + rows * columns].view(rows, columns, 2)
        start += rows * columns
        assert mine[0, 0].tolist() == pytest.approx([side / columns / 2, side / rows / 2])
        assert mine[-1, 0].tolist() == pytest.approx([side / columns / 2, side - side / rows / 2])


@pytest.mark.parametrize(
    ("boxes", "labels"),
    [
        ([[], []], [[], []]),
        ([[], [OBJECTS[0].tolist()]], [[], [1]]),
        ([[[1.0, 1, 2, 2]], [OBJECTS[0].tolist()] * 2], [[0], [1, 2]]),
    ],
    ids=["no objects", "one image without", "a tiny one, and two in one place"],
)
def test_every_batch_teaches(boxes: Any, labels: Any) -> None:
    network = small_network()
    losses = network.head.loss(features_of(network), batch_of(boxes, labels, side=SIDE))
    assert losses["classification"] > 0
    assert (losses["box"] > 0) == any(boxes)
    sum(losses.values()).backward()
    for layer in network.head.class_layers:
        assert torch.isfinite(layer.weight.grad).all()
        assert layer.weight.grad.any()


def test_every_parameter_gets_a_gradient() -> None:
    network = small_network().train()
    features = features_of(network, 4)
    batch = batch_of([[[0.0, 0, SIDE, SIDE]]] * 4, [[1]] * 4, side=SIDE)
    # as many points as there are: all learn the one object that is everywhere
    network.head.points_per_object = NUM_POINTS
    sum(network.head.loss(features, batch).values()).backward()
    without = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


def test_padding_changes_nothing() -> None:
    network = small_network().eval()
    features = features_of(network)
    batch = batch_of([OBJECTS.tolist()] * 2, [[0, 1]] * 2, side=SIDE)
    padded = batch | {
        "boxes": torch.cat([batch["boxes"], torch.zeros(2, 5, 4)], dim=1),
        "labels": torch.cat([batch["labels"], torch.full((2, 5), -1)], dim=1),
    }
    found, expected = (network.head.loss(features, each) for each in (padded, batch))
    for name in expected:
        torch.testing.assert_close(found[name], expected[name])


def test_classes_are_kept_by_number_or_dropped() -> None:
    head = small_network().head
    tensors = head.state_dict()
    kept = head.select_classes(tensors, [2, 0])
    for level in range(len(MAP_SIDES)):
        name = f"class_layers.{level}.weight"
        assert torch.equal(kept[name], tensors[name][[2, 0]])
    for classes in (None, [0, 7]):
        dropped = tensors.keys() - head.select_classes(tensors, classes).keys()
        assert len(dropped) == 2 * len(MAP_SIDES)
        assert all(name.startswith("class_layers.") for name in dropped)


@pytest.mark.parametrize(
    "settings",
    [
        {"features": ["c5", "c4"]},
        {"features": []},
        {"channels": 0},
        {"bins": 1},
        {"depth": -1},
        {"points_per_object": 0},
        {"nms_iou": 2.0},
        {"box_weight": float("nan")},
    ],
    ids=str,
)
def test_settings_outside_their_bounds_are_refused(settings: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"in_channels": {"c3": 8, "c4": 8, "c5": 8}, "num_classes": 2}
    with pytest.raises(InputError, match=f"head.{next(iter(settings))}"):
        PyramidSSDHead(**arguments | settings)
