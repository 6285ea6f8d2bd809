"""Training that can be trusted: what is interrupted, stopped or broken ends as if it were not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from backbone.layers import Conv2dSame
from tests.commands import ROOT, wait_for
from tests.phases import SIGINT, SIGTERM, Runs, Trap, differences
from tests.small_runs import FEW_CROPS


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def plain(runs) -> Path:
    return runs.straight("plain", "checkpoint_every_steps=2")


def test_worker_processes_change_nothing(runs, plain):
    # besides, each epoch's order of samples comes from the seed: the same command, the same run
    again = runs.straight("workers", "checkpoint_every_steps=3", "data.num_workers=2")
    assert not differences(plain, again)


def test_killed_at_any_step_it_resumes_exactly(runs, plain):
    traps = [
        Trap("on_before_optimizer_step", 2),  # before there is a checkpoint
        Trap("after_save", 1),  # before the step's row of the curve is written
        Trap("on_train_batch_start", 3),
        Trap("in_save", 2),
        Trap("on_validation_batch_end", 2),  # with the average of the weights in their place
        Trap("after_save", 2),  # the best one, which was written before the last one
        Trap("after_save", 3),  # the end of an epoch
        Trap("on_train_batch_end", 2),
    ]
    run = runs.interrupted("killed", "checkpoint_every_steps=2", "data.num_workers=2", traps=traps)
    assert not differences(plain, run)
    assert not list((run / "checkpoints").glob(".*"))  # nothing is left of unfinished writes


def test_sigterm_or_ctrl_c_saves_and_resumes_exactly(runs, plain):
    traps = [
        Trap("on_train_batch_start", 3, SIGTERM),
        Trap("on_train_batch_start", 3, SIGINT),  # the last step of an epoch
        Trap("on_validation_batch_end", 1, SIGINT),
        Trap("on_validation_batch_end", 2, SIGTERM),
        Trap("on_train_epoch_end", 1, SIGINT),
        Trap("on_fit_end", 1, SIGTERM),  # in the closing evaluation
    ]
    assert not differences(plain, runs.interrupted("stopped", traps=traps))
    score = [
        json.loads((runs.folder / name / "metrics.json").read_text())
        for name in ("plain", "stopped")
    ]
    assert score[0]["val/map"] == score[1]["val/map"]


def test_accumulated_gradients_are_not_lost(runs):
    settings = ("trainer.accumulate_grad_batches=2", "trainer.val_check_interval=3")
    settings += ("checkpoint_every_steps=1", "trainer.max_epochs=2")
    traps = [
        Trap("on_train_batch_start", 1, SIGTERM),  # between the two batches of a step
        Trap("on_validation_batch_end", 1, SIGTERM),  # the same: has to wait for the step
        Trap("after_save", 1),
        Trap("on_train_batch_start", 2),
    ]
    straight = runs.straight("accumulated", *settings)
    assert not differences(straight, runs.interrupted("gradients", *settings, traps=traps))


def test_a_loss_that_draws_at_random_goes_on_with_the_same_numbers(runs):
    # two-stage detectors draw the boxes that they learn from
    settings = ("task=faster_rcnn_coco", *FEW_CROPS, "trainer.max_epochs=1")
    settings += ("checkpoint_every_steps=2",)
    traps = [Trap("on_train_batch_start", 4), Trap("on_train_batch_start", 2)]
    straight = runs.straight("drawn", *settings)
    assert not differences(straight, runs.interrupted("redrawn", *settings, traps=traps))


def test_photos_that_grow_and_their_copies_change_nothing(runs):
    settings = ("task=imagenet", f"data.root={runs.folder / 'photos'}", "data.num_workers=2")
    settings += ("data.resolution.start=32", "data.cache_side=64", "checkpoint_every_steps=2")
    straight = runs.straight("grown", *settings, f"data.cache={runs.folder / 'cache'}")
    settings += (f"data.cache={runs.folder / 'another'}",)  # it makes copies of its own
    traps = [Trap("on_train_batch_start", 9)]  # in the second epoch
    assert not differences(straight, runs.interrupted("regrown", *settings, traps=traps))
    report = (straight / "report.txt").read_text()
    assert "32 pixels from 1, 64 from 2, 96 from 3" in report
    assert "24 copies made" in report and "0 made anew" in report


def test_parts_of_several_lengths_go_on_with_the_batches_that_were_next(runs):
    settings = ("task=multitask_faces", f"data.root={runs.folder / 'both'}")
    # six batches of one in an epoch, four of the other, which begins anew in the middle of it
    settings += ("data.embedding.num_train=19", "checkpoint_every_steps=2")
    straight = runs.straight("both_straight", *settings)
    traps = [
        Trap("on_train_batch_start", 4),
        Trap("on_validation_batch_end", 2),
        Trap("after_save", 2),  # the end of an epoch
        Trap("on_train_batch_start", 5, SIGTERM),
    ]
    resumed = runs.interrupted("both_killed", *settings, "data.num_workers=2", traps=traps)
    assert not differences(straight, resumed)


def test_without_an_average_of_the_weights(runs):
    settings = ("task=imagenet", f"data.root={runs.folder / 'plain_photos'}", "ema_decay=null")
    straight = runs.straight("no_average", *settings, "trainer.max_epochs=2")
    traps = [Trap("on_train_batch_start", 4), Trap("on_validation_batch_end", 2)]
    settings += ("trainer.max_epochs=2", "checkpoint_every_steps=2")
    assert not differences(straight, runs.interrupted("no_average_again", *settings, traps=traps))


def test_what_validation_made_serves_in_training(runs):
    settings = ("head=ssd_pyramid", "trainer.max_epochs=2")
    traps = [Trap("on_validation_batch_end", 2, SIGTERM)]  # it resumes with the validation
    straight = runs.straight("pyramid", *settings)
    assert not differences(straight, runs.interrupted("again", *settings, traps=traps))


def test_max_steps_in_the_middle_of_an_epoch(runs):
    settings = ("trainer.max_steps=8", "checkpoint_every_steps=3")
    straight = runs.straight("limited", *settings)
    traps = [
        Trap("on_train_epoch_start", 2),
        Trap("on_validation_batch_end", 1),  # no step is left when it resumes
        Trap("on_validation_batch_end", 2, SIGTERM),
    ]
    assert not differences(straight, runs.interrupted("cut", *settings, traps=traps))


def test_going_on_beyond_max_steps(runs, plain):
    settings = ("trainer.max_epochs=2", "schedule=constant")
    straight = runs.straight("constant", *settings)
    runs.straight("longer", *settings, "trainer.max_steps=8")
    longer = runs.straight("longer", *settings, "resume=last")
    assert not [line for line in differences(straight, longer) if line.startswith("last.ckpt")]


def test_the_command_itself_killed_from_outside(runs, plain):
    folder = runs.folder / "outside"
    command = [sys.executable, "tools/train.py", *runs.settings, f"run_dir={folder}"]
    process = subprocess.Popen([*command, "checkpoint_every_steps=1"], cwd=ROOT)
    wait_for(folder / "checkpoints" / "last.ckpt", process)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    runs.straight("outside", "resume=last")
    assert not differences(plain, folder)


def test_a_signal_to_all_processes_is_answered_by_the_main_one(runs, plain):
    """As queues and ``timeout`` send it: to those that load photos, too."""
    folder = runs.folder / "group"
    settings = (*runs.settings, f"run_dir={folder}", "data.num_workers=2")
    process = subprocess.Popen(
        [sys.executable, "tools/train.py", *settings, "checkpoint_every_steps=1"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(folder / "checkpoints" / "last.ckpt", process)
    os.killpg(process.pid, SIGTERM)
    said = process.communicate()[1]
    assert process.returncode == 143, said
    assert said.strip().splitlines()[-1].startswith("Stopped by SIGTERM")
    runs.straight("group", "resume=last")
    assert not differences(plain, folder)


def test_a_finished_run_resumed_scores_the_same_weights(runs, plain):
    score = json.loads((plain / "metrics.json").read_text())
    weights = (plain / "weights.safetensors").read_bytes()
    runs.straight("plain", "resume=last")
    again = json.loads((plain / "metrics.json").read_text())
    for name in ("val/map", "best/epoch", "best/step"):
        assert score[name] == again[name]
    assert (plain / "weights.safetensors").read_bytes() == weights


def test_divergence_names_the_batch(runs):
    diverged = runs.train("diverged", "optim.lr=1e30", "trainer.gradient_clip_val=null")
    assert diverged.code == 3
    assert diverged.output.count("error: training diverged") == 1
    assert "Traceback" not in diverged.output
    said = json.loads((runs.folder / "diverged" / "diverged.json").read_text())
    assert said["losses"].keys() == {"classification", "box"}
    (annotations,) = (runs.folder / "data" / "annotations").glob("instances_train*.json")
    images = json.loads(annotations.read_text())["images"]
    names = {image["id"]: image["file_name"] for image in images}
    assert [Path(file).name for file in said["files"]] == [names[number] for number in said["ids"]]
    assert len(said["files"]) == 4 and all(Path(file).is_file() for file in said["files"])
    assert all(file in diverged.output for file in said["files"])


@pytest.mark.parametrize(
    ("setting", "named"), [("optim.lr=0.5", "optim.lr"), ("backbone.width=0.5", "backbone.width")]
)
def test_resuming_with_what_would_not_be_the_same_run_is_refused(runs, plain, setting, named):
    refused = runs.train("plain", "resume=last", setting)
    assert refused.code == 2, refused.output
    assert named in refused.output


def test_a_single_pixel_has_a_reproducible_gradient():
    # In bfloat16, oneDNN leaves memory as it was where a filter's weight sees nothing but padding.
    convolution = Conv2dSame(32, 64, 3, stride=2, bias=False)
    image = torch.randn(4, 32, 1, 1)
    for _ in range(3):
        [torch.full((2**power,), torch.nan) for power in range(8, 20)]  # freed at once
        with torch.autocast("cpu", torch.bfloat16):
            convolution(image).float().sum().backward()
        outside = convolution.weight.grad.flatten(2)[:, :, [0, 1, 2, 3, 5, 6, 7, 8]]
        assert not outside.any()
