"""One pass gives what the two tasks give by themselves."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backbone.mobilenet import MobileNet
from heads.attributes import AttributesHead
from heads.embedding import EmbeddingHead
from heads.multitask import MultitaskHead, shares
from tasks.common.data.labels import LabelMap, joint_labels
from tasks.common.multitask.task import MultitaskTask
from tasks.common.training.schedule import constant
from tasks.common.training.task import Task
from tasks.face_attributes.task import FaceAttributesTask
from tasks.face_embedding.task import FaceEmbeddingTask

LABELS = {
    "attributes": LabelMap(("hat", "smile"), (0, 1)),
    "embedding": LabelMap((), ()),
}
HEADS = {"attributes": AttributesHead, "embedding": partial(EmbeddingHead, dimension=4)}
PARTS: dict[str, Any] = {"attributes": FaceAttributesTask, "embedding": FaceEmbeddingTask}
WEIGHTS = {"attributes": 0.5, "embedding": 2.0}
WIRING: dict[str, Any] = {
    "image_size": 32,
    "optimizer": partial(torch.optim.SGD, lr=0.1),
    "schedule": constant,
}


class Counting(MobileNet):
    """Counts how often it runs, and on how many images."""

    def __init__(self) -> None:
        super().__init__(width=0.25)
        self.passes: list[int] = []

    def forward(self, image: Tensor, *, tail: bool = True) -> dict[str, Tensor]:
        self.passes.append(len(image))
        return super().forward(image, tail=tail)


def settings(name: str, *, add_mirror: bool) -> dict[str, Any]:
    return {"add_mirror": add_mirror} if name == "embedding" else {}


def joint(*, add_mirror: bool) -> MultitaskTask:
    torch.manual_seed(0)
    task = MultitaskTask(
        parts={
            name: partial(part, **settings(name, add_mirror=add_mirror))
            for name, part in PARTS.items()
        },
        taught="embedding",
        backbone=Counting(),
        head=partial(MultitaskHead, parts=HEADS, weights=WEIGHTS),
        label_map=joint_labels(LABELS),
        **WIRING,
    )
    for layer in task.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias)
    return task.eval()


def alone(name: str, task: MultitaskTask, *, add_mirror: bool) -> Task:
    """The task of a part by itself, with the same weights."""
    own: Task = PARTS[name](
        backbone=MobileNet(width=0.25),
        head=HEADS[name],
        label_map=LABELS[name],
        **settings(name, add_mirror=add_mirror),
        **WIRING,
    )
    state = {
        key.replace(f"parts.{name}.", ""): value
        for key, value in task.state_dict().items()
        if "parts." not in key or f"parts.{name}." in key
    }
    own.load_state_dict(state)
    return own.eval()


def training_batch() -> dict[str, Any]:
    """Three faces with attributes, two with embeddings."""
    torch.manual_seed(1)
    return {
        "image": torch.randint(256, (5, 3, 32, 32), dtype=torch.uint8),
        "id": torch.arange(5),
        "parts": {
            "attributes": {"id": torch.arange(3), "target": torch.rand(3, 2)},
            "embedding": {"id": torch.arange(2), "target": torch.randn(2, 4)},
        },
    }


def test_losses_and_gradients_are_those_of_the_two_tasks() -> None:
    # in eval mode: batch norm's statistics of a batch are those of all its images
    task, batch = joint(add_mirror=False), training_batch()
    losses = task.head.loss(task(batch["image"]), task.training_batch(batch))
    assert task.backbone.passes == [5]
    sum(losses.values()).backward()
    gradients = {name: torch.zeros_like(p) for name, p in task.backbone.named_parameters()}
    for name, own_batch, _ in shares(batch, {}):
        own = alone(name, task, add_mirror=False)
        expected = own.head.loss(own(own_batch["image"]), own.training_batch(own_batch))
        for key, loss in expected.items():
            torch.testing.assert_close(losses[f"{name}/{key}"], WEIGHTS[name] * loss)
        (WEIGHTS[name] * sum(expected.values())).backward()
        for key, parameter in own.backbone.named_parameters():
            gradients[key] += parameter.grad
    for key, parameter in task.backbone.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[key], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("add_mirror", "passes"), [(False, [4]), (True, [4, 4])])
@torch.no_grad()
def test_predictions_are_those_of_the_two_tasks(add_mirror: bool, passes: list[int]) -> None:
    task = joint(add_mirror=add_mirror)
    frame = torch.tensor([[20 / 32, 0, 5], [0, 20 / 32, 5]]).expand(4, 2, 3)
    batch = {
        "image": torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8),
        "id": torch.arange(4),
        "frame": frame,
    }
    found = task.predictions(batch)
    assert task.backbone.passes == passes  # a mirror image has to be looked at, too
    entries = task.entries(task.records(found, batch))
    for name in PARTS:
        own = alone(name, task, add_mirror=add_mirror)
        expected = own.predictions(batch)
        torch.testing.assert_close(found[name], expected)
        for entry, theirs in zip(entries, own.entries(own.records(expected, batch)), strict=True):
            assert theirs.keys() < entry.keys()
    assert set(entries[0]) == {"attributes", "face", "embedding"}
    assert (task.draw(np.zeros((40, 40, 3), np.uint8), entries[0]) > 0).any()


@torch.no_grad()
def test_in_validation_each_part_looks_at_its_own_photos() -> None:
    task, batch = joint(add_mirror=False), training_batch()
    batch["parts"]["embedding"]["frame"] = torch.zeros(2, 2, 3)
    found = task.predictions(batch)
    assert task.backbone.passes == [5]
    records = task.records(found, batch)
    assert {name: len(own) for name, own in found.items()} == {"attributes": 3, "embedding": 2}
    assert [entry["part"] for entry in task.entries(records)] == ["attributes"] * 3 + [
        "embedding"
    ] * 2
