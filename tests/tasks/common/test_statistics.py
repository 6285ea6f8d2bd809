"""Batch norm's statistics in checkpoints are those of the weights beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import initialize_config_dir
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from tasks.common.config import CONFIGS, build, recompose
from tasks.common.data import FIXED_BATCH, DataModule
from tasks.common.stored import restore_checkpoint
from tests.commands import run as run_command
from tests.phases import Runs, curve

PRECISE = "trainer.precision=32-true"
PHOTOS = {
    "imagenet": ("data.num_train=40",),
    "face_attributes": ("data.num_train=40",),
    "ssd_coco": ("data.num_train=40", "head=ssd_pyramid"),
    "multitask_faces": ("data.num_train=40", "batch_norm_photos=32"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def composing() -> Iterator[None]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


def trained(runs: Runs, name: str, *settings: str) -> Path:
    """A run of two epochs on data of its own."""
    data = f"data.root={runs.folder / name / 'data'}"
    return runs.straight(name, data, PRECISE, "trainer.max_epochs=2", *settings)


def statistics(run: Path, checkpoint: str = "last", state: str = "state_dict") -> dict[str, Tensor]:
    saved = torch.load(run / "checkpoints" / f"{checkpoint}.ckpt", weights_only=True)[state]
    return {name: value for name, value in saved.items() if "running_" in name}


def fixed_batches(run: Path, num_photos: int) -> list[dict[str, Any]]:
    """As the data module of a run gives them."""
    config = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["config"]
    composed = recompose("eval", saved=config["values"], choices=config["choices"], overrides=[])
    data: DataModule = build(composed.data)
    data.prepare_data()
    data.setup("fit")
    return data.fixed_batches(num_photos)


class Rehearsal(nn.Module):
    """A task that runs as it does in training."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self.task = task

    def forward(self, batch: dict[str, Any]) -> None:
        self.task.head.rehearse(self.task(batch["image"]), batch)


def assert_measured(run: Path, *, checkpoint: str) -> None:
    """That a checkpoint's statistics are those that torch's own update finds for its weights."""
    network = restore_checkpoint(run / "checkpoints" / f"{checkpoint}.ckpt")
    update_bn(fixed_batches(run, 32), Rehearsal(network))
    measured = network.state_dict()
    for name, saved in statistics(run, checkpoint).items():
        torch.testing.assert_close(saved, measured[name], rtol=0.02, atol=2e-3)


@pytest.mark.parametrize("task", PHOTOS)
def test_they_are_those_that_torchs_own_update_measures(runs, composing, task):
    run = trained(runs, task, f"task={task}", *PHOTOS[task])
    assert_measured(run, checkpoint="last")
    assert_measured(run, checkpoint="best")


def test_two_processes_measure_what_one_does(runs, composing):
    folder = runs.folder / "two"
    settings = (*runs.settings, PRECISE, "trainer=ddp", "data.batch_size=2", "trainer.max_epochs=1")
    done = run_command(
        "train", *settings, f"run_dir={folder}", "data.num_train=40", f"data.root={folder}/data"
    )
    assert done.returncode == 0, done.stderr
    assert_measured(folder, checkpoint="best")


def test_they_are_measured_when_the_last_epoch_is_not_validated(runs, composing):
    settings = ("trainer.check_val_every_n_epoch=5", "task=imagenet", "data.num_train=40")
    assert_measured(trained(runs, "unvalidated", *settings), checkpoint="last")


def test_training_does_not_depend_on_them(runs):
    settings = ("task=imagenet", "data.num_train=40")
    measured = trained(runs, "measured", *settings, "checkpoint_every_steps=3")
    running = trained(runs, "running", *settings, "batch_norm_photos=null")
    plain = trained(runs, "without_average", *settings, "ema_decay=null")
    losses = [
        [row["train/loss"] for row in curve(run) if "train/loss" in row]
        for run in (measured, running, plain)
    ]
    assert losses[0] == losses[1] == losses[2]
    for name, value in statistics(measured, state="current_model_state").items():
        assert torch.equal(value, statistics(running, state="current_model_state")[name])
        assert not torch.equal(statistics(measured)[name], statistics(running)[name])


def test_frozen_ones_stay_as_they_are(runs):
    settings = ("task=imagenet", "data.num_train=40")
    start = trained(runs, "start", *settings)
    frozen = trained(
        *(runs, "frozen", *settings, "task.freeze_batch_norm=true"),
        f"init={start / 'checkpoints' / 'last.ckpt'}",
    )
    assert (frozen / "checkpoints" / "best.ckpt").exists()
    for name, value in statistics(start).items():
        assert torch.equal(value, statistics(frozen)[name])


def test_the_photos_are_a_mixture_in_whole_batches(runs, composing):
    run = trained(runs, "mixed", "task=imagenet", "data.num_train=90", "data.batch_size=16")
    first, second = (fixed_batches(run, 80) for _ in range(2))
    assert [len(batch["image"]) for batch in first] == [FIXED_BATCH] * 2  # of the 80, the rest
    ids = torch.cat([batch["id"] for batch in first])
    assert len(ids.unique()) == len(ids)
    assert len(torch.cat([batch["target"] for batch in first]).unique()) > 3  # of six classes
    for batch, again in zip(first, second, strict=True):
        assert torch.equal(batch["image"], again["image"])
    [few] = fixed_batches(run, 10)
    assert torch.equal(few["image"], first[0]["image"][:10])


@pytest.mark.parametrize("number", ["1", "0", "2.5", "many"])
def test_a_number_of_photos_that_makes_no_statistics_is_refused(runs, number):
    refused = runs.train("refused", f"batch_norm_photos={number}")
    assert refused.code == 2, refused.output
    assert "batch_norm_photos" in refused.output.splitlines()[-1]
