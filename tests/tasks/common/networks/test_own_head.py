"""Weights and exports of a head that no task has by itself are looked at without naming it."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from backbone.weights import Weights, save_weights
from tasks.api import load
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.networks.own_head import head_options, task_of_head
from tasks.common.settings.composing import compose
from tests.commands import run_inside
from tests.exported.small_exports import assert_near, export
from tests.small_data import noise
from tests.small_runs import NARROW

SIDE = 96


@pytest.mark.parametrize(
    ("head", "task"),
    [
        *(("ssd", "ssd_coco"), ("ssd_pyramid", "ssd_coco"), ("ssd_vgg", "ssd_coco")),
        *(("faster_rcnn_fpn", "faster_rcnn_coco"), ("mask_rcnn", "mask_rcnn_coco")),
        *(("cells_album", "planet"), ("embedding", "facenet")),
    ],
)
def test_the_task_of_a_head_is_the_one_whose_own_is_most_like_it(head: str, task: str) -> None:
    _, made = head_options()[head]
    assert task_of_head(made.name) == task


def test_no_head_is_of_no_task() -> None:
    assert task_of_head(None) is None and task_of_head("heads of others") is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of such a head with other settings than it has by itself, its export and a photo."""
    folder = tmp_path_factory.mktemp("pyramid")
    head = ("head=ssd_pyramid", "head.channels=32", "head.depth=1")
    config = compose("predict", ["task=ssd_coco", NARROW, *head])
    torch.manual_seed(0)
    labels = LabelMap(("disc", "star"), (1, 4))
    made = build_task(config, label_map=labels, image_size=SIDE)
    tensors = {key: x for key, x in made.state_dict().items() if not key.startswith("parts.")}
    save_weights(folder / "pyramid.safetensors", Weights(tensors, made.description()))
    noise(90, 70).save(folder / "photo.png")
    given = ("task=ssd_coco", "init=pyramid.safetensors", "calibration=photo.png")
    for name, decoded in (("app", "true"), ("raw", "false")):
        done = export(*given, f"output={name}", f"decoded={decoded}", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_python_needs_the_file_alone(folder: Path) -> None:
    model = load(folder / "pyramid.safetensors")
    assert repr(model).startswith("<ssd_pyramid on mobilenet") and f"{SIDE} pixels" in repr(model)
    assert load(folder / "pyramid.safetensors", task="ssd_coco")(folder / "photo.png") == model(
        folder / "photo.png"
    )


@pytest.mark.parametrize("network", ["init=pyramid.safetensors", "exported=raw"])
def test_commands_take_the_head_from_the_file(folder: Path, network: str) -> None:
    output = f"found_{network[0]}"
    given = ("task=ssd_coco", network, "input=photo.png", f"output={output}", "pictures=null")
    done = run_inside("predict", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((folder / output / "predictions.json").read_text())
    expected = load(folder / "pyramid.safetensors")(folder / "photo.png")
    assert len(entry["detections"]) == len(expected["detections"])
    assert_near(
        [one["score"] for one in expected["detections"]],
        [one["score"] for one in entry["detections"]],
    )


@pytest.mark.parametrize("name", ["app", "raw"])
def test_an_export_is_scored_at_its_own_size(folder: Path, name: str) -> None:
    drawn = ("data=demo", "data.num_train=4", "data.num_val=3", "data.num_workers=0")
    given = (*drawn, "data.root=drawn", f"run_dir=scored_{name}", "pictures=null")
    done = run_inside("eval", f"exported={name}", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    scored = yaml.safe_load((folder / f"scored_{name}" / "config.yaml").read_text())
    assert scored["data"]["image_size"] == SIDE and scored["head"]["channels"] == 32
