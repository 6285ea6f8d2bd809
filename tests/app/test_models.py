"""Which networks the page offers."""

import base64
import json
import re
from pathlib import Path

import pytest

from backbone.errors import InputError
from backbone.weights import read_description
from tasks.api import load
from tasks.app.models import NUM_LOADED, Models
from tasks.app.runs import curves, runs_table, runs_with_curves
from tasks.app.shelf import Shelf
from tasks.app.training import trained_demo
from tasks.common.exported.metadata import VERSION, write_metadata
from tests.app.small_page import decoded, rows, written_networks
from tests.commands import run_inside
from tests.small_runs import SMALL_RUN


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, weights and an export, and files that are none of these."""
    folder = tmp_path_factory.mktemp("networks")
    settings = ("task=imagenet", *SMALL_RUN, "pictures.count=0", "ema_decay=null")
    lines = list(trained_demo(settings, folder / "runs" / "mine"))
    assert lines and all(line.startswith("Training: ") for line in lines)
    weights = written_networks(folder / "weights", "planet", "face_attributes", "ssd_coco")
    (folder / "runs" / "app").mkdir()  # what an export says of itself is all that a list needs
    said = {"task": "planet", "format": "onnx", "network": read_description(weights["planet"])}
    write_metadata(folder / "runs" / "app", {"version": VERSION, **said})
    (folder / "weights" / "torn.safetensors").write_bytes(b"no weights")
    return folder


@pytest.fixture
def models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    monkeypatch.chdir(folder)
    return Models([Path("runs"), Path("weights"), Path("nowhere")], [Path("runs/mine")])


def test_networks_are_listed_with_task_figure_and_path(
    models: Models, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    figures = json.loads((folder / "runs" / "mine" / "metrics.json").read_text())
    assert [one.label for one in models.list()] == [
        f"imagenet · val/accuracy {figures['val/accuracy']:.3f} · runs/mine/checkpoints/best.ckpt",
        "planet · runs/app",
        "face_attributes · weights/face_attributes.safetensors",
        "planet · weights/planet.safetensors",
        "ssd_coco · weights/ssd_coco.safetensors",
    ]
    assert "Left out of the list: weights/torn.safetensors" in caplog.text


def test_a_network_is_loaded_when_it_is_chosen(models: Models) -> None:
    names = [str(one.path) for one in models.list() if one.path.is_file()]
    for name in names:
        assert repr(models.load(name)) == repr(load(name))
    assert len(names) > NUM_LOADED == len(models._loaded)
    assert models.load(names[-1]) is models.load(names[-1])
    with pytest.raises(InputError, match="choose one of the list"):
        models.load("/etc/hosts")


@pytest.mark.parametrize("name", ["nowhere.ckpt", "weights/torn.safetensors", "weights"])
def test_what_is_named_must_be_a_network(name: str, models: Models) -> None:
    with pytest.raises(InputError, match=name):
        Models([], [Path(name)])


@pytest.mark.usefixtures("models")
def test_runs_are_shown_as_the_command_lists_them(folder: Path) -> None:
    done = run_inside("runs", "input=runs", "format=json", cwd=folder)
    (said,) = json.loads(done.stdout)
    (row,) = rows(runs_table(Path("runs")))
    assert row["run"] == said["run"] == "runs/mine"
    assert float(row["val/accuracy"]) == pytest.approx(said["val/accuracy"], rel=1e-3)
    assert runs_with_curves(Path("runs")) == ["runs/mine"]
    shown = curves(Path("runs"), "runs/mine")
    whole = decoded((folder / "runs" / "mine" / "curves.png").read_bytes())
    (content,) = re.findall(r"base64,([^\"]*)", shown)
    assert decoded(base64.b64decode(content)).shape == whole.shape
    assert "no run has ended there" in runs_table(Path("weights"))
    with pytest.raises(InputError, match="no such run with curves"):
        curves(Path("runs"), "/etc")


def test_a_shelf_has_so_much_room() -> None:
    shelf: Shelf[str] = Shelf(10, "it is gone")
    for key in "abc":
        shelf.put(key, key.upper(), 4)
    with pytest.raises(InputError, match="it is gone"):
        shelf.get("a")
    assert shelf.get("b") == "B" and shelf.used == 8
    shelf.put("d", "D", 4)  # now c is unused for longest
    with pytest.raises(InputError):
        shelf.get("c")
    shelf.put("b", "BB", 1)
    assert shelf.get("b") == "BB" and shelf.used == 5
    shelf.put("e", "E", 99)  # which alone is kept for its answer
    assert shelf.get("e") == "E" and shelf.used == 99


def test_what_training_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no task=imgnet"):
        list(trained_demo(("task=imgnet",), tmp_path / "run"))
