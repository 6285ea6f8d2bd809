"""Where a command computes that has no trainer, and how exactly."""

from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from backbone.errors import InputError
from tasks.common.settings.composing import compose
from tasks.common.training.trainer_settings import check_added, computing_of
from tests.commands import run_inside
from tests.exported.small_exports import written_network, written_photos
from tests.small_data import refuses

CPU = "trainer.accelerator=cpu"


def computing(*overrides: str, auto: str = "32-true") -> Any:
    return computing_of(compose("predict", ["task=imagenet", *overrides]).trainer, auto=auto)


@pytest.mark.parametrize("auto", ["32-true", "bf16-mixed"])
def test_auto_is_what_the_command_says(auto: str):
    assert computing(CPU, auto=auto) == (torch.device("cpu"), auto)
    assert computing(CPU, "trainer.precision=32-true", auto=auto).precision == "32-true"


@pytest.mark.parametrize("accelerator", ["auto", "cpu"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_device_and_precision_are_those_of_lightnings_trainer(accelerator: str, precision: str):
    ours = computing(f"trainer.accelerator={accelerator}", f"trainer.precision={precision}")
    theirs = Trainer(
        accelerator=accelerator, devices=1, precision=precision, logger=False,
        enable_checkpointing=False,
    )  # fmt: skip
    assert (ours.device, ours.precision) == (theirs.strategy.root_device, theirs.precision)
    with ours.autocast():
        product = torch.nn.Linear(2, 2).to(ours.device)(torch.zeros(1, 2, device=ours.device))
    with theirs.precision_plugin.forward_context():
        same = torch.nn.Linear(2, 2).to(ours.device)(torch.zeros(1, 2, device=ours.device))
    assert product.dtype == same.dtype


def test_tensors_are_moved_wherever_they_are():
    moved = computing(CPU).move({"a": torch.ones(1), "b": [torch.ones(2), "x"], "c": (3, None)})
    assert moved["b"][1:] == ["x"] and moved["c"] == (3, None)
    assert all(tensor.device.type == "cpu" for tensor in (moved["a"], moved["b"][0]))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("trainer.accelerator=quantum",), "trainer.accelerator=quantum is unknown"),
        (("trainer=ddp", CPU), "one process: leave trainer.devices out"),
        (("trainer.precision=64-true",), "trainer.precision=64-true: allowed are"),
        (
            ("+trainer.limit_predict_batches=1",),
            "limit_predict_batches: nothing is trained",
        ),
    ],
)
def test_what_prediction_cannot_do_is_refused_before_anything_is_done(settings, words, tmp_path):
    (tmp_path / "photos").mkdir()
    written_photos(tmp_path / "photos")
    weights = written_network("imagenet", tmp_path)
    given = ("task=imagenet", f"init={weights}", "input=photos", "output=found", *settings)
    refuses(run_inside("predict", *given, cwd=tmp_path), words, folder=tmp_path / "found")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("accelerator", ["gpu", "cuda"])
def test_a_gpu_that_is_not_there_is_refused(accelerator: str):
    with pytest.raises(InputError, match=f"trainer.accelerator={accelerator}: this machine"):
        computing(f"trainer.accelerator={accelerator}")


def test_settings_that_are_there_may_be_given():
    check_added(["trainer.precision=32-true", "trainer=mine", "+data.cache=copies"])
    for added in ("+trainer.deterministic=true", "++trainer.deterministic=true"):
        with pytest.raises(InputError, match=r"trainer\.deterministic: nothing is trained"):
            check_added([added])
