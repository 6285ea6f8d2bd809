"""A folder of an export that is damaged, foreign or tampered with is refused, and nothing runs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from tasks.common.exported.metadata import file_facts
from tests.commands import run_inside
from tests.exported.small_exports import App, changed, shipped


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> App:
    return shipped("imagenet", tmp_path_factory.mktemp("small"), tmp_path_factory)


def of_other_bytes(folder: Path, content: bytes) -> None:
    """A file whose checksum is right, and that is no ONNX."""
    (folder / "model.onnx").write_bytes(content)
    changed(folder, files=[file_facts(folder / "model.onnx", folder=folder)])


def cut_short(folder: Path) -> None:
    file = folder / "model.onnx"
    file.write_bytes(file.read_bytes()[:-100])


def with_other_labels(folder: Path) -> None:
    about = json.loads((folder / "metadata.json").read_text())
    labels = {"names": ["a", "b"], "ids": [1, 2]}
    changed(folder, network={**about["network"], "label_map": labels})


def with_other_settings(folder: Path) -> None:
    changed(folder, preparation={"photo": "", "settings": {"data.root": "/etc"}})


def with_another_side(folder: Path) -> None:
    about = json.loads((folder / "metadata.json").read_text())
    changed(folder, network={**about["network"], "image_size": 64})


def with_other_outputs(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    old = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["other" if name == old else name for name in node.output]
    model.graph.output[0].name = "other"
    onnx.save(model, folder / "model.onnx")
    changed(folder, files=[file_facts(folder / "model.onnx", folder=folder)])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut_short, "is not the file that the metadata"),
        (lambda folder: (folder / "model.onnx").unlink(), "there is no model.onnx in it"),
        (lambda folder: (folder / "metadata.json").unlink(), "there is no metadata.json in it"),
        (lambda folder: (folder / "metadata.json").write_text("{"), "cannot be read"),
        (lambda folder: changed(folder, version=2), "version 2; this is for version 1"),
        (lambda folder: changed(folder, files=[]), "do not say what its files are"),
        (lambda folder: changed(folder, files=[{"name": "../x"}]), "do not say what its files"),
        (lambda folder: changed(folder, format="tape"), "format=tape: there is no such format"),
        (lambda folder: changed(folder, task=""), "Give task="),
        (with_other_settings, "data.root='/etc', which is no setting of photos"),
        (lambda folder: of_other_bytes(folder, b"no network"), "cannot be run"),
        (with_other_labels, "its metadata name 2 classes"),
        (with_another_side, "does not take photos of 64 pixels"),
        (with_other_outputs, "and probabilities is needed"),
    ],
)
def test_a_damaged_folder_is_refused(
    small: App, damage: Callable[[Path], Any], said: str, tmp_path: Path
) -> None:
    shutil.copytree(small.folder / "app", tmp_path / "app")
    damage(tmp_path / "app")
    given = ("exported=app", f"input={small.photos[0]}", "output=found")
    done = run_inside("predict", *given, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr, done
    assert done.stderr.count("error: ") == 1 and "Traceback" not in done.stderr
