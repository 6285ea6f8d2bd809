"""What leaves a run agrees with itself, for every task: precision, counts of photos, names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from tasks.common.data.module import DataModule
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tasks.common.training import trainer
from tests.commands import options, run_inside
from tests.small_runs import DRAWN, FEW_CROPS

TINY = (
    *(*DRAWN, "data.batch_size=2", "data.image_size=64"),
    *("data.root=data", "pictures.count=0", "ema_decay=null"),
)
TRAINING = ("trainer.max_steps=1", "trainer.limit_val_batches=1", "run_dir=run")
WIDTH = "backbone.width=0.25"
IN_TWO_STAGES = ("faster_rcnn_coco", "mask_rcnn_coco")


class Run:
    """A folder in which a task was trained for a step, as if bfloat16 were fast there."""

    def __init__(self, task: str, folder: Path) -> None:
        self.folder = folder
        crops = FEW_CROPS if task in IN_TWO_STAGES else ()
        given = (f"task={task}", WIDTH, *crops, *TINY, *TRAINING)
        done = run_inside("train", *given, cwd=folder)
        assert done.returncode == 0, done.stderr
        self.output = done.stdout

    def written(self, tool: str, name: str, *settings: str) -> Any:
        """What a command writes into a JSON file of its folder."""
        output = f"run_dir={tool}" if tool == "eval" else f"output={tool}"
        checkpoint = "checkpoint=run/checkpoints/last.ckpt"
        given = (checkpoint, output, "overwrite=true", *settings)
        done = run_inside(tool, *given, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return json.loads((self.folder / tool / name).read_text())


@pytest.fixture(scope="module", params=options("task"))
def trained(request, tmp_path_factory) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "fastest_precision", lambda: "bf16-mixed")
        yield Run(request.param, tmp_path_factory.mktemp("run"))


def test_predictions_are_in_float32_unless_another_precision_is_asked_for(trained: Run):
    photos = f"input={next((trained.folder / 'data').rglob('*.jpg')).parent}"
    plain, exact, rounded = (
        trained.written("predict", "predictions.json", photos, "pictures=null", *setting)
        for setting in ((), ("trainer.precision=32-true",), ("trainer.precision=bf16-mixed",))
    )
    assert plain == exact
    assert plain != rounded


def test_figures_are_in_float32_too(trained: Run):
    exact = trained.written("eval", "metrics.json", "trainer.precision=32-true")
    assert trained.written("eval", "metrics.json") == exact


def test_a_summary_says_how_many_were_scored_and_of_how_many(trained: Run):
    said = re.findall(r"(\d+) of (\d+) (?:photos|faces|pairs) of \S*data", trained.output)
    assert said and all(0 <= int(seen) < int(there) for seen, there in said)


def data_of(task: str) -> DictConfig:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("train", overrides=[f"task={task}", *TINY]).data


@pytest.mark.parametrize("task", options("task"))
def test_a_training_photo_has_a_name_and_a_file_of_its_own(task: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data: DataModule = build(data_of(task))
    data.prepare_data()
    names, files = zip(*map(data.train_photo, range(len(data.train_set))), strict=True)
    assert len(set(names)) == len(set(files)) == len(names) >= 8
    assert all(Path(str(file)).is_file() for file in files)
