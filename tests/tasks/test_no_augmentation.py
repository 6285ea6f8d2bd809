"""Without augmentation, training shows a photo as it is, in every epoch the same."""

from pathlib import Path

import numpy as np
import pytest

from tasks.common.data.module import DataModule
from tasks.common.settings.composing import compose
from tasks.common.settings.targets import build
from tests.commands import options

OWN = {"multitask_faces"}  # an epoch shows other pairs


def drawn(task: str, folder: Path, *more: str) -> DataModule:
    settings = ("data=demo", "data.num_workers=0", "seed=0", f"run_dir={folder}")
    several = task in ("facenet", "facenet_distill", "multitask_faces")
    numbers = ("data.num_train=8", "data.num_val=2" if several else "data.num_val=8")
    config = compose("train", [f"task={task}", *settings, *numbers, "data.image_size=64", *more])
    data: DataModule = build(config.data)
    data.prepare_data()
    return data


@pytest.mark.parametrize("task", sorted(set(options("task")) - OWN))
def test_every_epoch_shows_the_same(task: str, tmp_path: Path) -> None:
    shown = drawn(task, tmp_path, "data.augmentation=null").train_set
    first, second = (shown[epoch, 0]["image"] for epoch in (0, 1))
    np.testing.assert_array_equal(first, second)
    usual = drawn(task, tmp_path).train_set
    seen = [usual[epoch, 0]["image"].tobytes() for epoch in range(8)]
    assert len(set(seen)) > 1
