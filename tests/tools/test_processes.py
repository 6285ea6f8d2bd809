"""Several processes train as one: one folder, exact resume, one message and one exit code."""

import csv
import json
import subprocess
import sys

import pytest
import torch

from tests import ranks
from tests.commands import ROOT, run, wait_for
from tests.phases import TINY, differences, phase


def test_two_processes(tmp_path):
    """Two processes through the real command: one folder, exact resume, each sample once."""
    settings = [*TINY, f"data.root={tmp_path / 'data'}", "trainer=ddp", "data.num_val=5"]
    settings += ["data.batch_size=2", "trainer.max_epochs=2", "checkpoint_every_steps=1"]
    settings += ["trainer.precision=32-true"]  # as figures are reported
    settings += ["pictures.count=5"]  # of photos that either process looks at
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    command = [sys.executable, "tools/train.py", *settings, f"run_dir={stopped}"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wait_for(stopped / "checkpoints" / "last.ckpt", process)
    process.terminate()  # the first process only, which tells the other
    assert process.communicate()[1].count("Stopped by SIGTERM") == 1
    assert process.returncode == 143
    done = run("train", *settings, f"run_dir={stopped}", "resume=last")
    assert done.returncode == 0, done.stderr
    said = tmp_path / "said"  # of processes that were started for it
    started = ranks.start([*settings, f"run_dir={straight}"], said, told=ranks.torchrun)
    assert ranks.codes(started) == [0, 0]
    outputs = [(said / f"{rank}.txt").read_text() for rank in range(2)]
    for output in (done.stdout, "".join(outputs)):
        assert output.count("for the network") == 1
        assert " on 5 photos of" in output  # which both processes together have scored
    assert not differences(straight, stopped)
    assert len(list((straight / "pictures").glob("*.jpg"))) == 5
    assert {path.name for path in tmp_path.iterdir()} == {"data", "straight", "stopped", "said"}

    # one process finds the same figures for the same weights
    checkpoint = straight / "checkpoints" / "best.ckpt"
    output = tmp_path / "output.txt"
    alone = phase("eval", f"checkpoint={checkpoint}", f"run_dir={tmp_path / 'eval'}", output=output)
    assert alone.code == 0, alone.output
    figures = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    rows = list(csv.DictReader((straight / "metrics.csv").open()))
    best = max((float(row["val/map"]), row) for row in rows if row["val/map"])[1]
    reported = json.loads((straight / "metrics.json").read_text())
    assert reported["best/step"] == int(best["step"]) + 1
    for name in ("val/map", "val/map_50"):
        assert figures[name] == pytest.approx(float(best[name]), abs=1e-6)
        assert figures[name] == reported[name]  # both processes had put these weights in


def test_a_job_of_slurm_that_has_to_make_room_goes_on_where_it_was(tmp_path):
    """All its processes get a SIGTERM, and it ends with 143, upon which it is put back."""
    settings = [*TINY, f"data.root={tmp_path / 'data'}", "trainer=ddp", "data.batch_size=2"]
    settings += ["trainer.max_epochs=2", "checkpoint_every_steps=1", "data.num_val=5"]
    settings += [f"run_dir={tmp_path / 'run'}"]
    started = ranks.start(settings, tmp_path, told=ranks.slurm)
    wait_for(tmp_path / "run" / "checkpoints" / "last.ckpt", started[0])
    for process in started:
        process.terminate()
    said = [(tmp_path / f"{rank}.txt").read_text for rank in range(2)]
    assert max(map(int, ranks.codes(started))) == 143, said[0]()
    assert said[0]().count("Stopped by SIGTERM; the state is saved.") == 1
    assert "Traceback" not in said[0]() + said[1]()
    again = ranks.start([*settings, "resume=last"], tmp_path, told=ranks.slurm)
    assert ranks.codes(again) == [0, 0], said[0]()
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 12  # of 24 photos an epoch, four at a time


BROKEN_IN_ONE = """
import os, sys
sys.path.insert(0, {root!r})
from backbone.errors import InputError
from tasks.common.training.lightning_task import LightningTask
from tools.train import main

step = LightningTask.training_step

def training_step(self, batch, batch_idx):
    if os.environ["LOCAL_RANK"] == "{rank}":
        raise InputError("photo 3 is gone")
    return step(self, batch, batch_idx)

LightningTask.training_step = training_step
main()
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_what_only_one_process_meets_ends_both(tmp_path, rank):
    """With the message of the one and its exit code, as of a photo that vanishes in training."""
    script = tmp_path / "train.py"
    script.write_text(BROKEN_IN_ONE.format(root=str(ROOT), rank=rank))
    settings = [*TINY, f"data.root={tmp_path / 'data'}", "trainer=ddp", "data.batch_size=2"]
    done = subprocess.run(
        [sys.executable, script, *settings, f"run_dir={tmp_path / 'run'}"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stderr == "error: photo 3 is gone\n"
    assert done.returncode == 2
