"""A command's config goes one way, and what it reads is read once."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from tasks.api import evaluate, predict, train
from tasks.common.commands.train import train as train_command
from tests.config_path import stays

SMALL = {
    **{"task": "stanford_dogs", "data": "demo", "data.num_train": 8, "data.num_val": 5},
    **{"data.batch_size": 4, "data.image_size": 64, "data.num_workers": 0, "backbone.width": 0.25},
    **{"trainer.max_steps": 1, "pictures.count": 0, "trainer.accelerator": "cpu"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def visited(folder: Path) -> list[str]:
    """The files that the config of a training stayed in."""
    settings = (f"{key}={value}" for key, value in SMALL.items())
    return stays(train_command, "train", *settings, f"run_dir={folder}")


def test_a_training_hands_its_config_on_and_seldom_back(visited: list[str]):
    assert len(visited) < 20
    assert Counter(visited).most_common(1)[0][1] <= 3


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file of tensors is read."""
    counted: Counter[str] = Counter()
    load = torch.load

    def counting(file, *arguments, **named):
        counted[Path(str(file)).name] += 1
        return load(file, *arguments, **named)

    monkeypatch.setattr(torch, "load", counting)
    return counted


@pytest.mark.usefixtures("visited")
def test_a_checkpoint_is_read_once(folder: Path, reads: Counter[str], tmp_path: Path):
    last = folder / "checkpoints" / "last.ckpt"
    evaluate(checkpoint=last, run_dir=tmp_path / "eval")
    assert reads == {"last.ckpt": 1}
    predict(checkpoint=last, input=folder / "data" / "test", output=tmp_path / "found")
    assert reads == {"last.ckpt": 2}
    more = {"run_dir": tmp_path / "more", "data.root": folder / "data"}
    train(**SMALL | more, init=last, report="last")
    reads.clear()
    longer = SMALL | {"trainer.max_steps": 2, "data.root": folder / "data"}
    train(**longer, run_dir=tmp_path / "taught", teacher="checkpoint", **{"teacher.file": last})
    assert reads["last.ckpt"] == 1
    reads.clear()
    train(**longer, run_dir=tmp_path / "more", resume="last")
    assert reads == {"last.ckpt": 1, "best.ckpt": 1}  # to go on from, and to report
