"""Networks in files for apps predict what the networks do, by the same commands."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backbone.errors import InputError
from tasks.api import load
from tasks.common.exported import writing
from tasks.common.exported.found import format_names
from tests.commands import run_inside
from tests.exports import SIDE, export, same_entries, written_network, written_photos
from tests.small_runs import DRAWN, NARROW, TWO_STEPS

# an export takes seconds: these have every head between them
TASKS = ("imagenet", "mask_rcnn_coco", "multitask_faces", "planet")
CHECKPOINT = "checkpoint=run/checkpoints/last.ckpt"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_photos(tmp_path_factory.mktemp("photos"))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_ships(task: str, photos: Path, tmp_path: Path) -> None:
    file = written_network(task, tmp_path)
    settings = (f"task={task}", f"init={file}", f"calibration={photos}", "output=app")
    done = export(*settings, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "app"
    told = json.loads((folder / "metadata.json").read_text())
    assert told["parity"]["passed"] and told["parity"]["photos"] == 3
    assert (
        told["files"][0]["sha256"]
        == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    )
    assert told["input"]["shape"] == [None, SIDE, SIDE, 3]
    inside = {each.key: each.value for each in onnx.load(folder / "model.onnx").metadata_props}
    assert json.loads(inside["mobilenet_suite"])["network"] == told["network"]
    same_entries(load(file, task=task), load(folder), sorted(photos.iterdir()))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    settings = ("task=ssd_coco", *DRAWN, NARROW, *TWO_STEPS, "pictures.count=0", "run_dir=run")
    done = run_inside("train", *settings, cwd=folder)
    assert done.returncode == 0, done.stderr
    done = export(CHECKPOINT, "output=app", "candidates=1000", cwd=folder)
    assert done.returncode == 0 and "validation photos" in done.stderr + done.stdout, done
    return folder


def test_eval_and_predict_take_the_folder(run: Path) -> None:
    data = (*DRAWN, "data.root=run/data", "pictures.count=0")
    figures = {}
    for name, network in {
        "own": CHECKPOINT,
        "app": "exported=app",
    }.items():
        done = run_inside("eval", network, *data, f"run_dir={name}", cwd=run)
        assert done.returncode == 0, done.stderr
        figures[name] = json.loads((run / name / "metrics.json").read_text())
        found = ("input=run/data/val2017", f"output={name}_found", "data.num_workers=0")
        done = run_inside("predict", network, *found, cwd=run)
        assert done.returncode == 0, done.stderr
    assert figures["app"] == pytest.approx(figures["own"], abs=1e-4)
    own, app = (
        json.loads((run / f"{name}_found" / "predictions.json").read_text())
        for name in ("own", "app")
    )
    for ours, theirs in zip(own, app, strict=True):
        assert ours["file"] == theirs["file"]
        # by score: which of two that are as good as equal comes first is a matter of rounding
        scores = [[found["score"] for found in each["detections"]] for each in (ours, theirs)]
        assert scores[1] == pytest.approx(scores[0], abs=1e-3) and scores[0]


def test_a_fixed_number_of_photos(run: Path) -> None:
    done = export(CHECKPOINT, "output=two", "batch=2", "num_photos=2", cwd=run)
    assert done.returncode == 0, done.stderr
    model = onnx.load(run / "two" / "model.onnx")
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ("format=tflight",),
            f"format=tflight: there is no such format. Formats: {', '.join(format_names())}",
        ),
        (("batch=0",), "batch=0"),
        (("calibration=nowhere",), "No file or folder at nowhere"),
        (("output=app",), "app"),
        (("checkpoint=null",), "checkpoint=FILE"),
    ],
)
def test_what_cannot_be_exported_is_refused(run: Path, settings: Any, said: str) -> None:
    given = (CHECKPOINT, "output=refused", *settings)
    done = export(*given, cwd=run)
    assert done.returncode == 2 and said in done.stderr, done
    assert "Traceback" not in done.stderr


def test_a_file_that_predicts_something_else_is_kept_and_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong:
        def __init__(self, runner: Any) -> None:
            self.runner = runner

        def __call__(self, image: np.ndarray) -> Any:
            return self.runner(image[:, ::-1].copy())

    opened = writing.open_runner
    monkeypatch.setattr(writing, "open_runner", lambda *given: Wrong(opened(*given)))
    done = export(CHECKPOINT, "output=wrong", cwd=run)
    assert done.returncode == 2 and "predicts something else" in done.stderr
    told = json.loads((run / "wrong" / "parity.json").read_text())
    assert not told["passed"] and told["outputs"]["detections"]["others"] > 0
    assert (run / "wrong" / "model.onnx").is_file()


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no metadata.json"), ("{", "cannot be read"), ('{"version": 9}', "version 9")],
)
def test_a_folder_of_another_kind_is_refused(content: Any, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "metadata.json").write_text(content)
    with pytest.raises(InputError) as refused:
        load(tmp_path)
    assert said in str(refused.value)
