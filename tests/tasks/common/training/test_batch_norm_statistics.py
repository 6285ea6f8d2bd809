"""Batch norm's statistics in checkpoints are of the network that is validated and kept."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hydra import initialize_config_dir
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.restoring import restored
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.recompose import recompose
from tasks.common.settings.targets import build
from tasks.common.training.batch_norm_statistics import AveragedStatistics
from tests.phases import Runs, curve

SETTINGS = (
    "task=imagenet",
    "data.num_train=96",
    "data.batch_size=8",
    "trainer.precision=32-true",
    "trainer.max_epochs=2",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def composing() -> Iterator[None]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


def statistics(run: Path, state: str = "state_dict") -> dict[str, Tensor]:
    saved = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)[state]
    return {name: value for name, value in saved.items() if "running_" in name}


def train_batches(run: Path) -> list[dict[str, Any]]:
    config = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["config"]
    composed = recompose("eval", saved=config["values"], choices=config["choices"], overrides=[])
    return list(build(composed.data).train_dataloader())


class Shown(nn.Module):
    """A task that is given batches."""

    def __init__(self, task: nn.Module) -> None:
        super().__init__()
        self.task = task

    def forward(self, batch: dict[str, Any]) -> None:
        self.task(batch["image"])


def error(run: Path) -> float:
    """How far a checkpoint's variances are from those that its network has on training photos.

    In factors, as a logarithm: the median over all channels.
    """
    network = restored(Checkpoint.of_run(run / "checkpoints" / "last.ckpt"))
    update_bn(train_batches(run), Shown(network))
    measured, saved = network.state_dict(), statistics(run)
    ratios = [(saved[name] / measured[name]).log().abs() for name in saved if "var" in name]
    return float(torch.cat(ratios).median())


@pytest.mark.parametrize("average", ["0.99", "null"])
def test_after_a_few_steps_they_are_those_of_the_network(runs, composing, average):
    # weights that stay as they are, so that nothing but the averaging differs
    settings = (*SETTINGS, "optim.lr=1e-9", f"ema_decay={average}")
    assert error(runs.straight(f"grown_{average}", *settings)) < 0.1
    fixed = runs.straight(f"fixed_{average}", *settings, "batch_norm_momentum=0.03")
    assert error(fixed) > 1  # 24 steps after a variance of 1


def test_without_an_average_of_the_weights_they_follow_the_formula():
    torch.manual_seed(0)
    norm, unused = nn.BatchNorm2d(3, momentum=0.03), nn.BatchNorm2d(3)
    module: Any = nn.ModuleList([norm, unused]).train()
    batches = torch.randn(400, 4, 3, 2, 2)
    batches[:200] += 2
    average = AveragedStatistics()
    average.on_fit_start(SimpleNamespace(), module)
    expected = torch.zeros(3)
    for step, batch in enumerate(batches):
        average.on_train_batch_start(SimpleNamespace(global_step=step), module, None, 0)
        norm(batch)
        average.on_train_batch_end(SimpleNamespace(global_step=step + 1), module, None, None, 0)
        share = 1 if step == 0 else max(9 / (10 + step), 0.03)
        expected += share * (batch.mean(dim=(0, 2, 3)) - expected)
    average.on_fit_end(SimpleNamespace(), module)
    torch.testing.assert_close(norm.running_mean, expected)
    assert unused.running_var.tolist() == [1.0] * 3
    assert (norm.momentum, unused.momentum) == (0.03, 0.1)


def test_training_does_not_depend_on_them(runs):
    every = [
        runs.straight(name, *SETTINGS, setting)
        for name, setting in {
            "averaged": "ema_decay=0.99",
            "by_itself": "ema_decay=null",
            "fixed": "batch_norm_momentum=0.03",
        }.items()
    ]
    losses = [[row["train/loss"] for row in curve(run) if "train/loss" in row] for run in every]
    assert losses[0] == losses[1] == losses[2]


def test_frozen_ones_stay_as_they_are(runs):
    start = runs.straight("start", *SETTINGS)
    init = f"init={start / 'checkpoints' / 'last.ckpt'}"
    for number, average in enumerate(("ema_decay=0.99", "ema_decay=null")):
        settings = (*SETTINGS, "task.freeze_batch_norm=true", average)
        frozen = runs.straight(f"frozen_{number}", *settings, init)
        for name, value in statistics(start).items():
            assert torch.equal(value, statistics(frozen)[name])


@pytest.mark.parametrize("momentum", ["0", "1.5", "-0.1"])
def test_a_momentum_that_is_no_share_is_refused(runs, momentum):
    refused = runs.train("refused", *SETTINGS, f"batch_norm_momentum={momentum}")
    assert refused.code == 2, refused.output
    assert "batch_norm_momentum" in refused.output.splitlines()[-1]
