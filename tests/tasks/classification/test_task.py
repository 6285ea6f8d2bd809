"""What a classification task trains, and on what."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from heads.classification import ClassificationHead
from tasks.classification.mixing import Mixing
from tasks.classification.task import ClassificationTask
from tasks.common.data.labels import LabelMap
from tasks.common.training.schedule import constant


def make(**settings: Any) -> ClassificationTask:
    torch.manual_seed(0)
    wiring = {
        "backbone": MobileNet(width=0.25),
        "head": ClassificationHead,
        "label_map": LabelMap(("cat", "dog", "eel"), (3, 5, 9)),
        "image_size": 32,
        "optimizer": partial(torch.optim.SGD, lr=0.1),
        "schedule": constant,
    }
    return ClassificationTask(**wiring | settings)


def batch() -> dict[str, Any]:
    image = torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8)
    return {"image": image, "target": torch.tensor([0, 1, 2, 0]), "id": torch.arange(4)}


def test_of_a_frozen_backbone_nothing_changes_but_the_head_learns() -> None:
    task = make(freeze_backbone=True).train()
    before = {name: value.clone() for name, value in task.backbone.state_dict().items()}
    given = batch()
    features = task(given["image"])
    assert not any(feature.requires_grad for feature in features.values())  # nothing is kept
    sum(task.head.loss(features, given).values()).backward()
    assert all(
        torch.equal(value, before[name]) for name, value in task.backbone.state_dict().items()
    )
    assert {name for name, p in task.named_parameters() if p.grad is not None} == {
        "head.linear.weight",
        "head.linear.bias",
    }


def test_a_teacher_sees_what_the_student_sees() -> None:
    task = make(mixing=Mixing(mixup_alpha=1.0, cutmix_alpha=1.0))
    seen = []
    task.teacher = lambda batch: seen.append(batch["image"]) or torch.full((4, 3), 1 / 3)
    given = batch()
    ready = task.training_batch(given)
    assert ready["image"] is seen[0] and not torch.equal(seen[0], given["image"].float())
    assert ready["target"].eq(1 / 3).all()
    assert torch.isfinite(task.head.loss(task(ready["image"]), ready)["classification"])


def test_entries_have_the_data_sets_own_ids_and_are_written_on_photos() -> None:
    task = make()
    entry = task.entries(task.records(torch.tensor([[0.1, 0.7, 0.2]]), {"id": torch.tensor([0])}))[
        0
    ]
    assert [(row["id"], row["name"]) for row in entry["classes"]] == [
        (5, "dog"),
        (9, "eel"),
        (3, "cat"),
    ]
    photo = np.full((60, 90, 3), 128, np.uint8)
    drawn = task.draw(photo, entry)
    assert drawn.shape == (480, 720, 3) and (drawn != 128).any() and (photo == 128).all()
    assert task.draw(photo[:1, :1], entry).shape == (480, 480, 3)


def test_an_image_too_small_for_the_backbone_is_refused() -> None:
    backbone = MobileNet(width=0.25)
    backbone.min_side = 75
    with pytest.raises(InputError, match="at least 75 pixels"):
        make(backbone=backbone)
