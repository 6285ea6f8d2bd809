"""However a command ends, all of it ends, with a message and with nothing half-written."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.common.machine.core_count import num_cores
from tests.commands import ROOT
from tests.phases import SIGINT, SIGTERM, Fault, Phase, Trap, phase, seconds_to_end
from tests.photo_files import write_photos

NUM_VAL = 40  # more than four loading processes are ahead of what is worked on
TASK = ("task=face_attributes", "data=demo", "data.num_train=16", f"data.num_val={NUM_VAL}")
SMALL = ("data.image_size=32", "data.batch_size=4", "backbone.width=0.25", "pictures.count=0")
TRAIN = (*TASK, *SMALL, "trainer.accelerator=cpu", "trainer.max_epochs=2")
SAID = {SIGINT: "Stopped by Ctrl-C", SIGTERM: "Stopped by SIGTERM"}


def allowed_seconds() -> float:
    """What a command may take to end after it has said why: five, of a core of its own."""
    return 5 * max(os.getloadavg()[0] / num_cores(), 1)


class Place:
    """Data and a network in a folder, and the commands that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faces = folder / "faces"

    def arguments(self, command: str, *, num_workers: int = 0) -> list[str]:
        """A command line that runs through when nothing happens to it."""
        data, workers = f"data.root={self.faces}", f"data.num_workers={num_workers}"
        checkpoint = self.folder / "trained" / "checkpoints" / "last.ckpt"
        stored = [f"checkpoint={checkpoint}", "data.batch_size=1", "trainer.accelerator=cpu"]
        teacher = ["teacher=checkpoint", f"teacher.file={checkpoint}", "data.batch_size=1"]
        run = f"run_dir={self.folder / 'run'}"
        output = f"output={self.folder / 'output'}"
        both = [*TRAIN, data, workers, run, "checkpoint_every_steps=1"]
        return {
            "train": both,
            "demo_face_attributes": [*both, output],
            "eval": [*stored, data, workers, run, "pictures.count=0"],
            "predict": [*stored, f"input={self.faces / 'val'}", workers, output],
            "cache_teacher": [*TASK, data, workers, *teacher, "trainer.accelerator=cpu", output],
            "make_shards": [
                *(f"table={self.folder / 'photos.csv'}", f"images={self.folder / 'photos'}"),
                *("photos_per_shard=4", output),
            ],
            "prepare": [
                *("dataset=noisy_dogs", f"root={self.folder / 'noisy'}"),
                *(f"against={self.folder / 'dogs'}", output),
            ],
        }[command]

    def run(self, command: str, *, trap: Trap | Fault | None = None, num_workers: int = 0) -> Phase:
        arguments = self.arguments(command, num_workers=num_workers)
        return phase(command, *arguments, trap=trap, output=self.folder / f"{command}.txt")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Place:
    place = Place(tmp_path_factory.mktemp("prepared"))
    write_photos(place.folder / "photos", [f"{number}.png" for number in range(12)])
    rows = [f"{number}.png,{number + 1},{number + 1},train" for number in range(12)]
    table = place.folder / "photos.csv"
    table.write_text("\n".join(["file,latitude,longitude,split", *rows]) + "\n")
    for folder, count in (
        ("noisy/terrier", 90),
        ("dogs/train/terrier", 2),
        ("dogs/test/terrier", 2),
    ):
        write_photos(place.folder / folder, [f"{folder[0]}{number}.png" for number in range(count)])
    done = place.run("train")
    assert done.code == 0, done.output
    (place.folder / "run").rename(place.folder / "trained")
    return place


@pytest.fixture
def place(prepared: Place, tmp_path: Path) -> Place:
    shutil.copytree(prepared.folder, tmp_path / "place")
    return Place(tmp_path / "place")


def photos(place: Place, split: str) -> list[Path]:
    return sorted((place.faces / split).iterdir())


LOADING = [
    ("train", "on_train_batch_start"),
    ("eval", "on_validation_batch_start"),
    ("predict", "tasks.common.predictions.writer:PredictionWriter.__call__"),
    ("cache_teacher", "tasks.common.distillation.network_teacher:CheckpointTeacher.look"),
]


@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
@pytest.mark.parametrize(("command", "hook"), LOADING)
def test_a_photo_that_vanishes_ends_the_command(place, command, hook, num_workers):
    last = {
        "train": photos(place, "train")[3],
        "eval": photos(place, "val")[-1],
        "predict": photos(place, "val")[0],  # it is read again, to be drawn
        "cache_teacher": photos(place, "train")[-1],
    }[command]
    content = b"<html>" if command == "train" else None
    ended = place.run(command, trap=Fault(hook, 1, last, content), num_workers=num_workers)
    refused(ended, last)


def refused(ended: Phase, named: Path) -> None:
    assert ended.code == 2, ended
    assert ended.output.count("error: ") == 1 and "Traceback" not in ended.output, ended.output
    assert str(named) in ended.output.rpartition("error: ")[2]
    assert ended.seconds_to_end < allowed_seconds()


def test_a_demo_ends_too(place):
    last = photos(place, "train")[3]
    fault = Fault("on_train_batch_start", 1, last, b"<html>")
    refused(place.run("demo_face_attributes", trap=fault, num_workers=2), last)


def test_a_shard_that_breaks_ends_packing(place):
    shard = place.folder / "output" / "train-000001.tar"
    fault = Fault("tasks.geolocation.shards.making:pack_shard", 2, shard, b"<html>")
    refused(place.run("make_shards", trap=fault), shard)


def test_a_photo_that_vanishes_ends_preparation(place):
    photo = place.folder / "dogs" / "test" / "terrier" / "d1.png"
    fault = Fault("tasks.classification.cleaning.hash_cache:Progress.add_task", 1, photo)
    refused(place.run("prepare", trap=fault), photo)
    assert not list(place.folder.glob(".output.*"))


BROKEN = """
import sys
sys.path.insert(0, {root!r})
from tasks.common.data.photo_sets import LabelledSet
from tools.train import main

read = LabelledSet.__getitem__

def broken(self, place):
    return 1 / 0 if place[0] else read(self, place)  # from the second epoch on

LabelledSet.__getitem__ = broken
main()
"""


def test_a_bug_ends_with_its_traceback(place):
    script = place.folder / "train.py"
    arguments = place.arguments("train", num_workers=4)
    script.write_text(BROKEN.format(root=str(ROOT)))
    process = subprocess.Popen(
        [sys.executable, script, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("ZeroDivisionError"):
            break
    assert seconds_to_end(process.pid, since=time.time()) < allowed_seconds()
    assert process.wait() == 1


def test_a_killed_command_takes_its_processes_along(place):
    ended = place.run("train", trap=Trap("on_train_batch_start", 2), num_workers=4)
    assert ended.code == -signal.SIGKILL
    assert ended.seconds_to_end < allowed_seconds()


STOPPED = [
    *LOADING,
    ("make_shards", "tasks.geolocation.shards.making:pack_shard"),
    ("prepare", "tasks.classification.cleaning.hash_cache:Progress.advance"),
]


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
@pytest.mark.parametrize(("command", "hook"), STOPPED)
def test_a_command_that_is_asked_to_stop_does(place, command, hook, number):
    trap = Trap(hook, 2, number, to_all=True)
    ended = place.run(command, trap=trap, num_workers=2)
    assert ended.code == 128 + number, ended
    lines = [line for line in ended.output.splitlines() if "Stopped" in line]
    assert lines == ended.output.splitlines()[-1:], ended.output
    assert lines[0].startswith(SAID[number])
    assert "Traceback" not in ended.output and "Error" not in ended.output
    assert ended.seconds_to_end < allowed_seconds()
    nothing_is_half_written(place, command, said=lines[0])


def nothing_is_half_written(place: Place, command: str, *, said: str) -> None:
    output, run = place.folder / "output", place.folder / "run"
    hidden = {path.name for path in place.folder.rglob(".*")}
    assert hidden <= {".output.hashes.jsonl"}  # kept on purpose
    if command == "train":
        assert f"Go on with run_dir={run} resume=last" in said
        assert (run / "checkpoints" / "last.ckpt").exists()
    if command == "eval":
        assert not (run / "metrics.json").exists()
    if command == "predict":
        entries = json.loads((output / "predictions.json").read_text())
        assert f"{len(entries)} of {NUM_VAL} photos are done" in said and len(entries) == 2
        assert len(list((output / "pictures").iterdir())) == len(entries)
    if command in ("cache_teacher", "make_shards", "prepare"):  # what is there is of use
        assert "The same command goes on" in said
        done = place.run(command)
        assert done.code == 0, done.output


def test_a_second_ctrl_c_ends_training_at_once(place):
    trap = Trap("on_train_batch_start", 3, SIGINT, to_all=True, times=2)
    ended = place.run("train", trap=trap, num_workers=2)
    assert ended.code == 130, ended
    assert "Once more ends it at once" in ended.output and "Traceback" not in ended.output
    assert ended.output.splitlines()[-1].startswith("Stopped by Ctrl-C; what was saved before")
    assert ended.seconds_to_end < allowed_seconds()


def test_what_a_shell_has_ignore_ctrl_c_goes_on(place):
    """As scripts start what runs in the background, which a Ctrl-C for the script is not for."""
    arguments = [sys.executable, "tools/predict.py", *place.arguments("predict")]
    process = subprocess.Popen(
        arguments, cwd=ROOT, preexec_fn=lambda: signal.signal(SIGINT, signal.SIG_IGN)
    )
    while not (place.folder / "output" / "pictures").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, SIGINT)
    assert process.wait() == 0
