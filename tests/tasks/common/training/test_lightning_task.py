"""A task in Lightning's module: the same weights under the same names."""

import copy
from typing import Any

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.settings.composing import compose
from tasks.common.settings.targets import build
from tasks.common.training.lightning_task import LightningTask
from tests.small_runs import NARROW

LABELS = LabelMap(("disc", "star"), (1, 2))


@pytest.fixture
def module() -> LightningTask:
    config = compose("train", ["task=imagenet", NARROW])
    task = build_task(config, label_map=LABELS, image_size=64)
    return LightningTask(task, build(config.data))


def changed(state: dict[str, Any]) -> dict[str, Any]:
    return {name: values + 1 for name, values in state.items()}


def test_weights_have_the_names_of_the_task(module: LightningTask):
    ours, theirs = module.state_dict(), module.task.state_dict()
    assert list(ours) == list(theirs)
    assert list(ours._metadata) == ["", *list(theirs._metadata)[1:]]
    wanted = changed(theirs)
    module.load_state_dict(wanted)
    for name, values in module.task.state_dict().items():
        assert torch.equal(values, wanted[name])
    assert list(wanted) == list(theirs)  # what was given is as it was


def test_others_are_refused(module: LightningTask):
    state = module.state_dict()
    state.popitem()
    with pytest.raises(RuntimeError, match="Missing"):
        module.load_state_dict(state)
    with pytest.raises(RuntimeError, match="Unexpected"):
        module.load_state_dict({**module.state_dict(), "other": torch.ones(1)})


def test_an_average_of_the_weights_too_and_it_holds_no_data(module: LightningTask):
    averaged = AveragedModel(module, use_buffers=True)
    names = {f"module.{name}" for name in module.task.state_dict()}
    assert {name for name in averaged.state_dict() if name != "n_averaged"} == names
    averaged.load_state_dict(changed(averaged.state_dict()))
    for name, values in averaged.module.task.state_dict().items():
        assert torch.equal(values, module.task.state_dict()[name] + 1)
    assert averaged.module.data is None and module.data is not None
    assert copy.deepcopy(module).task is not module.task
