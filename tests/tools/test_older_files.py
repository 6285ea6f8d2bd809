"""Files of a state before the rooms of the packages got their names load, score and go on.

``older/dogs.ckpt`` was written by

    tools/train.py task=stanford_dogs data=demo data.num_train=8 data.num_val=5 data.batch_size=4
        data.image_size=64 backbone.width=0.05 trainer.max_steps=2 optim.lr=1e-2

``dogs.safetensors`` is that run's network alone, ``toys.safetensors`` that of the same with
``task=ssd_coco``, and ``expected.json`` is what the commands said of them then.
"""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tasks.api import evaluate, load, predict, train

OLDER = Path(__file__).parents[1] / "older"
EXPECTED = json.loads((OLDER / "expected.json").read_text())
DATA = {"data": "demo", "data.num_train": 8, "data.num_val": 5, "data.num_workers": 0}
CPU = {"trainer.accelerator": "cpu", "pictures.count": 0}
TRAINING = {
    **{"task": "stanford_dogs", **DATA, **CPU},
    **{"data.batch_size": 4, "data.image_size": 64, "backbone.width": 0.05, "optim.lr": 1e-2},
    "trainer.log_every_n_steps": 1,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The data that the files were made of."""
    folder = tmp_path_factory.mktemp("older")
    run = {"run_dir": folder / "run", "data.root": folder / "data"}
    evaluate(checkpoint=OLDER / "dogs.ckpt", **run)
    return folder / "data"


def losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open(newline="") as file:
        return [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]


@pytest.mark.parametrize(
    "named",
    [
        {"checkpoint": OLDER / "dogs.ckpt", **CPU},
        {"task": "stanford_dogs", "init": OLDER / "dogs.safetensors", **DATA, **CPU},
    ],
    ids=["checkpoint", "weights"],
)
def test_figures_are_the_same(named, root, tmp_path):
    figures = evaluate(**named, run_dir=tmp_path, **{"data.root": root})
    wanted = EXPECTED["dogs"]["figures"]  # besides, there are figures that older versions had not
    assert {name: figures[name] for name in wanted} == pytest.approx(wanted)
    for entry in json.loads((tmp_path / "predictions.json").read_text()):
        scores = [found["score"] for found in entry["classes"]]
        assert scores == pytest.approx(EXPECTED["dogs"]["scores"][Path(entry["file"]).name], 1e-3)


def test_predictions_are_the_same(root, tmp_path):
    entries = predict(checkpoint=OLDER / "dogs.ckpt", input=root / "test", output=tmp_path)
    alone = load(OLDER / "dogs.safetensors")
    for entry in entries:
        scores = [found["score"] for found in entry["classes"]]
        assert scores == pytest.approx(EXPECTED["dogs"]["scores"][Path(entry["file"]).name], 1e-3)
        again = [found["score"] for found in alone(entry["file"])["classes"]]
        assert again == pytest.approx(scores, 1e-3)


def test_a_run_goes_on(root, tmp_path):
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    shutil.copy(OLDER / "dogs.ckpt", checkpoints / "last.ckpt")
    more = {"data.root": root, "trainer.max_steps": 4}
    train(**TRAINING, **more, run_dir=tmp_path, resume="last")
    assert losses(tmp_path) == pytest.approx(EXPECTED["resumed"]["losses"], 1e-3)


def test_a_checkpoint_teaches(root, tmp_path):
    teacher = {"teacher": "checkpoint", "teacher.file": OLDER / "dogs.ckpt"}
    more = {"data.root": root, "trainer.max_steps": 2}
    train(**TRAINING, **more, **teacher, run_dir=tmp_path)
    assert losses(tmp_path) == pytest.approx(EXPECTED["taught"]["losses"], 1e-3)


def test_a_detector_scores_the_same(tmp_path):
    named = {"task": "ssd_coco", "init": OLDER / "toys.safetensors", **DATA, **CPU}
    figures = evaluate(**named, run_dir=tmp_path)
    expected = EXPECTED["toys"]["figures"]
    assert {name: figures[name] for name in expected} == pytest.approx(expected, rel=0.05)
