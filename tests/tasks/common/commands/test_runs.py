"""Runs are listed by their figures, with the settings that set them apart."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_inside

# figure, value, minutes, settings
RUNS: dict[str, tuple[dict[str, float], str]] = {
    "dogs/a": ({"val/accuracy": 0.61, "train/minutes": 3.5}, "optim: {lr: 0.01}\nseed: 0"),
    "dogs/b": ({"val/accuracy": 0.75, "train/minutes": 9.0}, "optim: {lr: 0.1}\nseed: 0"),
    "dogs/c": ({"val/accuracy": 0.7}, "optim: {lr: 0.001}\nseed: 0\ninit: a.safetensors"),
    "toys": ({"val/map": 0.4, "val/map_50": 0.7}, "head: {_target_: heads.ssd.SSDHead}"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, (figures, settings) in RUNS.items():
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        (run / "metrics.json").write_text(json.dumps({"num_params": 3, **figures}))
        own = f"run_dir: {run}\noverwrite: false\ndata: {{root: {run}/data}}\n"
        (run / "config.yaml").write_text(own + settings)
    (tmp_path / "runs" / "half").mkdir()
    (tmp_path / "runs" / "half" / "metrics.json").write_text("{}")  # of no run
    return tmp_path


def listed(folder: Path, *settings: str) -> list[dict[str, Any]]:
    done = run_inside("runs", "format=json", *settings, cwd=folder)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_the_best_comes_first_and_only_what_differs_is_named(folder: Path) -> None:
    rows = listed(folder)
    assert [row["run"] for row in rows] == [
        "runs/dogs/b",
        "runs/dogs/c",
        "runs/dogs/a",
        "runs/toys",
    ]
    common = {"minutes": 9.0, "run": "runs/dogs/b"}
    assert rows[0] == {"val/accuracy": 0.75, **common, "init": None, "optim.lr": 0.1}
    assert rows[-1] == {"val/map": 0.4, "minutes": None, "run": "runs/toys"}


@pytest.mark.parametrize(
    ("sort", "order"), [("minutes", "abc"), ("optim.lr", "cab"), ("val/accuracy", "bca")]
)
def test_they_are_sorted_by_what_is_asked_for(folder: Path, sort: str, order: str) -> None:
    rows = listed(folder, "input=runs/dogs", f"sort={sort}")
    assert "".join(row["run"][-1] for row in rows) == order


def test_a_person_and_a_spreadsheet_read_the_same(folder: Path) -> None:
    asked = ("input=runs", "metrics=val/map_50")
    done = run_inside("runs", *asked, cwd=folder)
    assert done.returncode == 0, done.stderr
    text = done.stdout.splitlines()
    assert text[0].split() == [
        *("val/accuracy", "val/map_50", "minutes", "run"),
        *("settings", "that", "differ"),
    ]
    assert text[1].split() == ["0.75", "9", "runs/dogs/b", "lr=0.1"]
    assert text[2].split() == ["0.7", "runs/dogs/c", "init=a.safetensors", "lr=0.001"]
    rows = csv.DictReader(io.StringIO(run_inside("runs", *asked, "format=csv", cwd=folder).stdout))
    assert [(row["run"], row["val/map_50"]) for row in rows][-1] == ("runs/toys", "0.7")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("input=nowhere",), "there is no such folder"),
        (("input=runs/half",), "no run has ended there"),
        (("sort=optim.rate",), "sort=optim.rate"),
        (("format=html",), "text or csv or json"),
    ],
)
def test_what_cannot_be_listed_is_told(folder: Path, settings, said: str) -> None:
    done = run_inside("runs", *settings, cwd=folder)
    assert done.returncode == 2 and said in done.stderr


def test_a_damaged_run_is_named(folder: Path) -> None:
    (folder / "runs" / "toys" / "metrics.json").write_text("{")
    done = run_inside("runs", cwd=folder)
    assert done.returncode == 2 and str(Path("runs") / "toys") in done.stderr
