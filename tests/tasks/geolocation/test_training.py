"""From a folder and from shards: every photo once an epoch, and exact resume."""

import json
import os
import signal
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import ranks
from tests.commands import run_inside
from tests.phases import Trap, differences, phase
from tests.photo_files import write_photos

NUM_TRAIN, NUM_VAL, PER_SHARD = 24, 5, 3
TINY = (
    "task=planet",
    "data.max_photos=8",
    "data.batch_size=4",
    "data.image_size=32",
    "data.num_workers=0",
    "backbone.width=0.25",
    "checkpoint_every_steps=2",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=2",
    "trainer.log_every_n_steps=1",
    "pictures.count=0",
)


@pytest.fixture(scope="module", params=["geotagged", "shards"])
def data(request, tmp_path_factory) -> list[str]:
    """The settings that name the photos."""
    root = tmp_path_factory.mktemp("data")
    names = [f"{number}.png" for number in range(NUM_TRAIN + NUM_VAL)]
    write_photos(root / "photos", names)
    rows = [
        f"{name},{10 + 40 * (number % 2)},{number},{'train' if number < NUM_TRAIN else 'test'}"
        for number, name in enumerate(names)
    ]
    (root / "photos.csv").write_text("\n".join(["file,latitude,longitude,split", *rows]))
    if request.param == "geotagged":
        return ["data=geotagged", f"data.root={root}"]
    done = run_inside(
        *("make_shards", "table=photos.csv", "images=photos", "output=shards"),
        f"photos_per_shard={PER_SHARD}",
        cwd=root,
    )
    assert done.returncode == 0, done.stderr
    return ["data=shards", f"data.root={root / 'shards'}", "data.window=2"]


def test_killed_in_mid_epoch_it_resumes_exactly(data: list[str], tmp_path: Path) -> None:
    settings = (*TINY, *data)
    output = tmp_path / "output.txt"
    done = phase("train", *settings, f"run_dir={tmp_path / 'straight'}", output=output)
    assert done.code == 0, done.output
    settings += (f"run_dir={tmp_path / 'killed'}", "data.num_workers=2")
    resume: tuple[str, ...] = ()
    for trap in (Trap("on_train_batch_start", 4), Trap("on_train_batch_end", 6)):
        assert phase("train", *settings, *resume, trap=trap, output=output).code == -9
        resume = ("resume=last",)
    done = phase("train", *settings, *resume, output=output)
    assert done.code == 0, done.output
    assert not differences(tmp_path / "straight", tmp_path / "killed")


def test_two_processes_see_every_photo_once_an_epoch(data: list[str], tmp_path: Path) -> None:
    """Also those that were killed, both of them, in mid-epoch."""
    settings = [*TINY, *data, "trainer=ddp", "data.batch_size=2"]
    settings += ["data.num_workers=2", "trainer.precision=32-true"]

    def train(name: str, *more: str, kill_at: int = -1) -> list[int | None]:
        arguments = [*settings, f"run_dir={tmp_path / name}", *more]
        first = partial(watch, tmp_path / f"{name}.txt", kill_at)
        return ranks.codes(ranks.start(arguments, tmp_path, told=ranks.torchrun, first=first))

    assert train("straight") == [0, 0]
    assert train("killed", kill_at=3) == [-signal.SIGKILL] * 2
    assert train("killed", "resume=last") == [0, 0]
    assert not differences(tmp_path / "straight", tmp_path / "killed")

    logs = [steps(tmp_path / f"{name}.txt") for name in ("straight", "killed")]
    assert logs[0] == logs[1]
    epochs = defaultdict(list)
    for (_, step), (epoch, ids) in logs[0].items():
        assert epoch == step // (NUM_TRAIN // 4)
        epochs[epoch] += ids
    everything = list(range(NUM_TRAIN))
    assert [sorted(epochs[epoch]) for epoch in range(2)] == [everything, everything]


def watch(log: Path, kill_at: int) -> None:
    """Writes down the photos of every step. With a step's number, it kills itself there."""
    from tasks.common.training.lightning_task import LightningTask

    step = LightningTask.training_step

    def training_step(self: Any, batch: Any, batch_idx: int) -> Any:
        if self.trainer.global_step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        row = [self.global_rank, self.trainer.global_step, self.current_epoch, batch["id"].tolist()]
        with log.open("a") as file:
            file.write(json.dumps(row) + "\n")
        return step(self, batch, batch_idx)

    LightningTask.training_step = training_step  # type: ignore[method-assign]


def steps(log: Path) -> dict[tuple[int, int], tuple[int, list[int]]]:
    """Epoch and photos by process and step, as they were when last done."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return {(rank, step): (epoch, ids) for rank, step, epoch, ids in rows}
