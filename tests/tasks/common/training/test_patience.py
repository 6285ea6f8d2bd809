"""A training without progress ends by itself, and says so."""

import csv
from pathlib import Path

import pytest

from tests.commands import run_inside
from tests.small_runs import DRAWN, NARROW

SETTINGS = (
    *("task=imagenet", *DRAWN, "data.image_size=32", NARROW, "pictures.count=0", "optim.lr=1e-9"),
    *("ema_decay=null", "schedule=constant", "task.freeze_batch_norm=true", "run_dir=run"),
)


def epochs(run: Path) -> int:
    with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return sum(bool(row["val/accuracy"]) for row in csv.DictReader(file))


def test_it_ends_and_goes_on_as_it_was(tmp_path: Path) -> None:
    given = (*SETTINGS, "trainer.max_epochs=8", "trainer.patience=2")
    done = run_inside("train", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "val/accuracy has not risen in 2 validations: trainer.patience=2" in done.stdout
    assert epochs(tmp_path / "run") == 3
    more = (*SETTINGS, "trainer.max_epochs=8", "trainer.patience=4", "resume=last")
    further = run_inside("train", *more, cwd=tmp_path)
    assert further.returncode == 0 and epochs(tmp_path / "run") == 5, further.stderr


@pytest.mark.parametrize("patience", ["-1", "1.5", "never"])
def test_another_number_is_refused(patience: str, tmp_path: Path) -> None:
    refused = run_inside("train", *SETTINGS, f"trainer.patience={patience}", cwd=tmp_path)
    assert refused.returncode == 2 and f"trainer.patience={patience}" in refused.stderr
