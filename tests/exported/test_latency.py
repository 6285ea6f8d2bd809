"""What a network takes on this machine, in each of its forms, beside public ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_inside
from tests.exported.small_exports import export, shipped


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights of a classifier, and two exports of it in one folder."""
    app = shipped("imagenet", tmp_path_factory.mktemp("latency"), tmp_path_factory)
    folder = app.folder
    app.weights.rename(folder / "weights.safetensors")
    (folder / "exports").mkdir()
    (folder / "app").rename(folder / "exports" / "any")
    app.photos[0].rename(folder / "photo.png")
    given = ("task=imagenet", "init=weights.safetensors", "calibration=photos", "batch=2")
    done = export(*given, "output=exports/two", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_table_of_all_forms(folder: Path) -> None:
    given = ("task=imagenet", "init=weights.safetensors", "exported=exports", "input=photo.png")
    wide = ("threads=[1,2]", "batch_sizes=[1,3]", "seconds=0", "output=times/all.json")
    done = run_inside("latency", *given, *wide, cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "times" / "all.json").read_text())
    rows = found["rows"]
    assert "processor" in found["machine"]
    forms = ["torch, eager", "onnx (exports/any)", "onnx (exports/two)", "timm mobilenetv1_100"]
    assert [row["network"] for row in rows] == forms * 4
    assert [(row["threads"], row["batch"]) for row in rows[:: len(forms)]] == [
        (1, 1),
        (1, 3),
        (2, 1),
        (2, 3),
    ]
    for row in rows:
        assert row["rounds"] >= 3 and row["precision"] == "fp32"
        # what is measured on the whole way is read, prepared and told beside the network
        assert row["photo_ms"] > 0 and row["network_ms"] > 0 and row["photo_spread_ms"] >= 0
    assert all(form in done.stdout for form in forms)
    lines = [line for line in done.stdout.splitlines() if line.startswith("| torch, eager")]
    assert len(lines) == 4 and all(line.endswith(" 1.00    |") for line in lines)


def test_an_export_alone_has_no_torch_beside_it(folder: Path) -> None:
    given = ("exported=exports/any", "seconds=0", "peers=false", "threads=1")
    done = run_inside("latency", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "onnx (exports/any)" in done.stdout and "torch, eager" not in done.stdout


def test_a_checkpoint_alone_is_exported_for_the_time_being(folder: Path) -> None:
    given = ("task=imagenet", "init=weights.safetensors", "seconds=0", "peers=false")
    done = run_inside("latency", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "torch, eager" in done.stdout and "| onnx (" in done.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("seconds=0",), "Give exported=DIR, checkpoint=FILE, or both"),
        (("exported=nowhere",), "there is no metadata.json in it"),
        (("exported=exports/any", "threads=0"), "threads=0"),
        (("exported=exports/any", "threads=[]"), "threads=[]"),
        (("exported=exports/any", "batch_sizes=[1,0]"), "batch_sizes=0"),
        (("exported=exports/any", "peers=2"), "peers"),
        (("exported=exports/any", "input=nothing.jpg"), "nothing.jpg"),
        (("exported=exports/any", "output=photo.png"), "output=photo.png is there already"),
    ],
)
def test_what_cannot_be_timed_is_refused(folder: Path, settings: Any, said: str) -> None:
    done = run_inside("latency", *settings, cwd=folder)
    assert done.returncode == 2 and said in done.stderr, done
    assert "Traceback" not in done.stderr
