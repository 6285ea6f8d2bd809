"""Every format holds the networks it says it holds, and says what it lacks."""

import importlib.util
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.api import load
from tasks.common.commands import export as command
from tasks.common.exported.found import find_format, format_names, trait
from tasks.common.exported.parts import in_parts
from tests.commands import run_inside
from tests.exported.small_exports import (
    LABELS,
    SIDE,
    export,
    same_entries,
    written_network,
    written_photos,
)
from tests.small_runs import DRAWN, SMALL_RUN

# beside onnx, which test_export.py is about
WRITTEN = [
    ("openvino", "imagenet"),
    ("openvino", "faster_rcnn_coco"),
    ("litert", "imagenet"),
    ("executorch", "imagenet"),
    ("coreml", "imagenet"),
]


def openvino_about(folder: Path) -> tuple[Any, Any]:
    model = pytest.importorskip("openvino").Core().read_model(folder / "model.xml")
    inside, names = (model.get_rt_info(key).value for key in ("mobilenet_suite", "names"))
    return json.loads(inside), list(json.loads(names).values())


def litert_about(folder: Path) -> tuple[Any, Any]:
    with zipfile.ZipFile(folder / "model.tflite") as archive:
        labels = archive.read("labels.txt").decode().splitlines()
        return json.loads(archive.read("metadata.json")), labels


def executorch_about(folder: Path) -> tuple[Any, Any]:
    runtime = pytest.importorskip("executorch.runtime")
    program = runtime.Runtime.get().load_program(folder / "model.pte")
    about = json.loads(program.load_method("about").execute(())[0])
    return about, about["network"]["label_map"]["names"]


def coreml_about(folder: Path) -> tuple[Any, Any]:
    models = pytest.importorskip("coremltools").models
    spec = models.MLModel(str(folder / "model.mlpackage"), skip_model_load=True).get_spec()
    [image] = spec.description.input
    assert image.type.imageType.width == image.type.imageType.height == SIDE
    outputs = {output.name: output.type.WhichOneof("Type") for output in spec.description.output}
    assert spec.description.predictedFeatureName == "classLabel"
    assert outputs["classLabel"] == "stringType"
    metadata = spec.description.metadata.userDefined
    return json.loads(metadata["mobilenet_suite"]), list(json.loads(metadata["names"]).values())


INSIDE: dict[str, Callable[[Path], tuple[Any, Any]]] = {
    "openvino": openvino_about,
    "litert": litert_about,
    "executorch": executorch_about,
    "coreml": coreml_about,
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_photos(tmp_path_factory.mktemp("photos"))


@pytest.mark.parametrize(("name", "task"), WRITTEN)
def test_a_format_predicts_what_the_network_does(
    name: str, task: str, photos: Path, tmp_path: Path
) -> None:
    for module in trait(find_format(name), "NEEDS"):
        pytest.importorskip(module)
    file = written_network(task, tmp_path)
    settings = (f"task={task}", f"init={file}", f"calibration={photos}", f"format={name}")
    done = export(*settings, "output=app", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "app"
    told = json.loads((folder / "metadata.json").read_text())
    inside, labels = INSIDE[name](folder)
    assert inside["network"] == told["network"] and labels == list(LABELS.names)
    assert told["files"] and all((folder / each["name"]).is_file() for each in told["files"])
    one = not trait(find_format(name), "FREE_BATCH")
    assert told["input"]["shape"] == [1 if one else None, SIDE, SIDE, 3]
    assert ("takes one photo a call" in done.stdout + done.stderr) == one
    if name == "coreml":
        assert told["parity"]["passed"] is None and "Apple" in told["parity"]["not_compared"]
    else:
        assert told["parity"]["passed"] and told["parity"]["photos"] == 3
        same_entries(load(file, task=task), load(folder), sorted(photos.iterdir()))


@pytest.mark.parametrize("name", ["onnx", "openvino", "litert", "executorch"])
def test_int8_is_small_and_agrees(name: str, photos: Path, tmp_path: Path) -> None:
    for module in trait(find_format(name), "NEEDS"):
        pytest.importorskip(module)
    file = written_network("imagenet", tmp_path)
    settings = ("task=imagenet", f"init={file}", f"calibration={photos}", f"format={name}")
    done = export(*settings, "precision=int8", "output=app", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "app" / "metadata.json").read_text())
    assert told["precision"] == "int8" and told["parity"]["calibrated_on"] == 3
    assert told["parity"]["outputs"]["predictions"] == {"photos": 3, "same_top_label": 3}
    assert sum(each["bytes"] for each in told["files"]) < 0.6 * file.stat().st_size
    paths = sorted(photos.iterdir())
    both = load(file, task="imagenet")(paths), load(tmp_path / "app")(paths)
    for ours, theirs in zip(*both, strict=True):
        assert ours["classes"][0]["name"] == theirs["classes"][0]["name"]


def test_what_int8_loses_is_measured_and_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = ("task=imagenet", *SMALL_RUN, "pictures.count=0", "run_dir=run")
    done = run_inside("train", *trained, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    given = ("checkpoint=run/checkpoints/last.ckpt", "precision=int8")
    done = export(*given, "max_loss=1", "output=app", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "app" / "parity.json").read_text())
    assert told["metric"] == "val/accuracy" and told["calibrated_on"] == 8
    data = (*DRAWN, "data.root=run/data", "pictures.count=0")
    done = run_inside("eval", given[0], *data, "run_dir=scored", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scored = json.loads((tmp_path / "scored" / "metrics.json").read_text())
    assert told["before"] == pytest.approx(scored["val/accuracy"])
    figures = iter([0.9, 0.5])
    monkeypatch.setattr(command, "figure", lambda task, data: next(figures))
    done = export(*given, "max_loss=0.3", "output=worse", cwd=tmp_path)
    assert done.returncode == 2 and "loses more than max_loss=0.3" in done.stderr, done
    told = json.loads((tmp_path / "worse" / "parity.json").read_text())
    assert (told["before"], told["after"], told["passed"]) == (0.9, 0.5, False)
    assert (tmp_path / "worse" / "model.onnx").is_file()


def test_int8_without_photos_says_what_to_give(tmp_path: Path) -> None:
    file = written_network("imagenet", tmp_path)
    settings = ("task=imagenet", f"init={file}", "precision=int8", "output=app")
    done = export(*settings, cwd=tmp_path)
    assert done.returncode == 2 and "calibration=PHOTOS" in done.stderr, done


@pytest.mark.parametrize("name", ["litert", "executorch", "coreml"])
def test_what_cannot_cut_crops_says_what_can(name: str, tmp_path: Path) -> None:
    file = written_network("mask_rcnn_coco", tmp_path)
    settings = ("task=mask_rcnn_coco", f"init={file}", f"format={name}", "output=app")
    done = export(*settings, cwd=tmp_path)
    assert done.returncode == 2 and f"format={name} cannot be written" in done.stderr, done
    assert "onnx, openvino" in done.stderr and not (tmp_path / "app" / "metadata.json").exists()


def hide(monkeypatch: pytest.MonkeyPatch, hidden: set[str]) -> None:
    """As if modules were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name in hidden else find(name, *rest),
    )


MISSING = {
    "openvino": ("openvino", "pip install -c constraints.txt -e '.[openvino]'"),
    "litert": ("litert_torch", "make litert"),
    "executorch": ("executorch", "pip install -c constraints.txt -e '.[executorch]'"),
    "coreml": ("coremltools", "pip install -c constraints.txt -e '.[coreml]'"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_library_comes_with_what_installs_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, set(trait(find_format(name), "NEEDS")))
    file = written_network("imagenet", tmp_path)
    settings = ("task=imagenet", f"init={file}", f"format={name}", "output=app")
    done = export(*settings, cwd=tmp_path)
    assert done.returncode == 2 and "which is not installed" in done.stderr, done
    assert MISSING[name][1] in done.stderr


def test_all_formats_that_are_installed_and_why_not_the_others(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, {module for module, _ in MISSING.values()})
    file = written_network("imagenet", tmp_path)
    settings = ("task=imagenet", f"init={file}", f"calibration={photos}", "format=all")
    done = export(*settings, "output=app", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "app" / "report.txt").read_text()
    assert json.loads((tmp_path / "app" / "onnx" / "metadata.json").read_text())["parity"]["passed"]
    for name, (_, line) in MISSING.items():
        assert name in format_names() and not (tmp_path / "app" / name).exists()
        [said] = [each for each in report.splitlines() if each.startswith(f"format={name} ")]
        assert "left out" in said and line in said
    again = export(*settings, "output=app", cwd=tmp_path)
    assert again.returncode == 2 and "holds results already" in again.stderr


@pytest.mark.parametrize("number", [1, 2, 5])
@pytest.mark.parametrize("size", [1, 2, 3, None])
def test_any_number_of_photos_in_parts(number: int, size: int | None) -> None:
    def run(image: np.ndarray) -> dict[str, np.ndarray]:
        assert size is None or len(image) == size
        return {"sum": image.sum((1, 2, 3)), "first": image[:, 0]}

    image = np.random.default_rng(0).integers(0, 256, (number, 4, 4, 3), np.uint8)
    found = in_parts(run, image, size=size)
    assert (found["sum"] == image.sum((1, 2, 3))).all() and (found["first"] == image[:, 0]).all()
