"""Networks in files for apps predict what the networks do, by the same commands."""

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from safetensors.torch import load_file

from backbone.errors import InputError
from tasks.api import load, predict
from tasks.common.commands import export as command
from tasks.common.exported import writing
from tasks.common.exported.formats import onnx as onnx_format
from tasks.common.exported.found import format_names
from tests.commands import run_inside
from tests.exported.small_exports import SIDE, assert_near, export, shipped, whole
from tests.small_runs import DRAWN, NARROW, TWO_STEPS

# an export takes seconds: these have every head between them
TASKS = ("imagenet", "mask_rcnn_coco", "multitask_faces", "planet")
CHECKPOINT = "checkpoint=run/checkpoints/last.ckpt"


@pytest.mark.parametrize("task", TASKS)
def test_every_task_ships(
    task: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    app = shipped(task, tmp_path, tmp_path_factory)
    folder = tmp_path / "app"
    told = json.loads((folder / "metadata.json").read_text())
    assert told["parity"]["passed"] and told["parity"]["photos"] == 4
    assert (
        told["files"][0]["sha256"]
        == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    )
    assert told["input"]["shape"] == [None, SIDE, SIDE, 3]
    inside = {each.key: each.value for each in onnx.load(folder / "model.onnx").metadata_props}
    assert json.loads(inside["mobilenet_suite"])["network"] == told["network"]
    given = (f"task={task}", f"init={app.weights}", f"input={tmp_path / 'photos'}")
    ours = predict(*given, f"output={tmp_path / 'found'}", "pictures=null", *whole(task))
    theirs = load(folder)([Path(entry["file"]) for entry in ours])
    assert len(ours) == 4
    for entries in zip(ours, theirs, strict=True):
        assert_near(*entries)


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
        same_scores(ours, theirs)


def same_scores(ours: Any, theirs: Any) -> None:
    """Not places: which of two that are as good as equal comes first is a matter of rounding."""
    scores = [[found["score"] for found in each["detections"]] for each in (ours, theirs)]
    assert scores[1] == pytest.approx(scores[0], abs=1e-3) and scores[0]


def test_a_fixed_number_of_photos_and_no_decoding(run: Path) -> None:
    done = export(CHECKPOINT, "output=two", "batch=2", "decoded=false", cwd=run)
    assert done.returncode == 0, done.stderr
    model = onnx.load(run / "two" / "model.onnx")
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2
    told = json.loads((run / "two" / "metadata.json").read_text())
    assert told["parity"]["passed"] and told["parity"]["photos"] == 3  # in two parts
    assert told["parity"]["outputs"]["detections"]["detections"] > 0
    assert [output["name"] for output in told["outputs"]] == ["logits", "codes"]
    assert told["coding"]["weights"] == [10, 10, 5, 5]
    anchors = load_file(run / "two" / "tables.safetensors")["anchors"]
    assert anchors.shape == (told["outputs"][0]["shape"][1], 4)
    photos = sorted((run / "run/data/val2017").iterdir())
    both = load(run / "run/checkpoints/last.ckpt")(photos), load(run / "two")(photos)
    for ours, theirs in zip(*both, strict=True):
        same_scores(ours, theirs)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ("format=tflight",),
            f"format=tflight: there is no such format. Formats: {', '.join(format_names())}",
        ),
        (("batch=0",), "batch=0"),
        (("precision=fp16",), "precision=fp16 is unknown; it can be fp32 or int8"),
        (("max_loss=0.1",), "max_loss=0.1 is for precision=int8"),
        (("precision=int8", "max_loss=-1"), "max_loss=-1"),
        (("decoded=maybe",), "decoded=maybe"),
        (("precision=int8", "format=coreml"), "litert, onnx, openvino"),
        (("batch=2", "format=coreml"), "takes one photo a call, not batch=2"),
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
    def open_wrong(*given: Any) -> Any:
        run = opened(*given)
        return lambda image: run(image.flip(2))

    opened = writing.open_file
    monkeypatch.setattr(writing, "open_file", open_wrong)
    done = export(CHECKPOINT, "output=wrong", cwd=run)
    assert done.returncode == 2 and "predicts something else" in done.stderr
    told = json.loads((run / "wrong" / "parity.json").read_text())
    assert not told["passed"] and told["outputs"]["detections"]["others"] > 0
    assert (run / "wrong" / "model.onnx").is_file()


def test_a_network_that_a_converter_does_not_know_is_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: Any, **__: Any) -> Any:
        raise NotImplementedError("Unsupported fx node lstm")

    monkeypatch.setattr(onnx_format, "write", write)
    done = export(CHECKPOINT, "output=unknown", cwd=run)
    assert done.returncode == 2 and "format=onnx cannot be written: its converter" in done.stderr
    monkeypatch.setattr(command, "format_names", lambda: ["onnx", "openvino"])
    done = export(CHECKPOINT, "format=all", "output=all_of_them", "candidates=1000", cwd=run)
    assert done.returncode == 0, done.stderr
    assert "format=onnx is left out: its converter" in done.stdout + done.stderr
    assert (run / "all_of_them" / "openvino" / "model.xml").is_file()
    assert not (run / "all_of_them" / "onnx").exists()


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
