"""A learning rate that is searched for is as if it had been given."""

import csv
from pathlib import Path

import pytest
import yaml

from tests.commands import run_inside
from tests.small_runs import DRAWN, NARROW

SETTINGS = (
    *("task=imagenet", *DRAWN, "data.image_size=32", NARROW, "pictures=null", "ema_decay=null"),
    *("schedule=constant", "trainer.log_every_n_steps=1"),
)
SEARCHED = (*SETTINGS, "trainer.find_lr=true", "run_dir=searched")


def curve(run: Path) -> list[tuple[str, str]]:
    with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["train/loss"], row["train/learning_rate"]) for row in csv.DictReader(file)]
    return [row for row in rows if row[0]]


def test_a_rate_that_is_found_is_as_one_that_is_given(tmp_path: Path) -> None:
    first = run_inside("train", *SEARCHED, "trainer.max_steps=2", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    config = yaml.safe_load((tmp_path / "searched" / "config.yaml").read_text(encoding="utf-8"))
    rate = config["optim"]["lr"]
    assert 1e-8 < rate < 1
    assert f"the loss falls fastest at optim.lr={rate:g}, which is taken" in first.stdout
    more = run_inside("train", *SEARCHED, "trainer.max_steps=4", "resume=last", cwd=tmp_path)
    assert more.returncode == 0 and "falls fastest" not in more.stdout, more.stderr
    given = (*SETTINGS, f"optim.lr={rate}", "trainer.max_steps=4", "run_dir=given")
    done = run_inside("train", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(curve(tmp_path / "given")) == 4
    assert curve(tmp_path / "searched") == curve(tmp_path / "given")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("task.freeze_backbone=true", "head.dropout=0", "trainer.find_lr=yes"), "true or false"),
        (("trainer=ddp", "trainer.accelerator=cpu"), "several processes cannot search"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    settings: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    refused = run_inside("train", *SEARCHED, *settings, cwd=tmp_path)
    assert refused.returncode == 2 and said in refused.stderr, refused.stderr
