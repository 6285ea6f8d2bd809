"""Exports of small networks, and what they predict beside the networks."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from pycocotools.mask import iou

from backbone.weights import Weights, save_weights
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.settings.composing import compose
from tests.commands import Finished, run_inside
from tests.small_data import noise
from tests.small_runs import NARROW

SIDE = 96
LABELS = LabelMap(("disc", "square", "star"), (1, 4, 9))
CELLS = LabelMap(("4761", "4765", "47a1"), (1, 2, 3))


def export(*arguments: str, cwd: Path) -> Finished:
    return run_inside("export", *arguments, cwd=cwd)


def written_photos(folder: Path) -> Path:
    for number in range(3):
        noise(80 + number, 60).save(folder / f"{number}.png")
    return folder


def written_network(task: str, folder: Path) -> Path:
    """A file of a task's network as it starts, with outputs that differ from photo to photo."""
    config = compose("predict", [f"task={task}", NARROW])
    torch.manual_seed(0)
    labels = CELLS if task == "planet" else LABELS
    made = build_task(config, label_map=labels, image_size=SIDE)
    for layer in made.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(layer.weight)  # or nothing would reach the outputs
    file = folder / f"{task}.safetensors"
    tensors = {key: x for key, x in made.state_dict().items() if not key.startswith("parts.")}
    save_weights(file, Weights(tensors, made.description()))
    return file


def same_entries(network: Any, file: Any, paths: list[Path]) -> None:
    for ours, theirs in zip(network(paths), file(paths), strict=True):
        assert_near(ours, theirs)


def encoded(mask: dict[str, Any]) -> dict[str, Any]:
    return {**mask, "counts": mask["counts"].encode()}


def assert_near(ours: Any, theirs: Any) -> None:
    """The same words, and numbers that differ by rounding."""
    if isinstance(ours, dict) and "counts" in ours:  # a mask, of which a pixel may round otherwise
        assert 1 - iou([encoded(ours)], [encoded(theirs)], [False]).item() < 0.1
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert_near(ours[key], theirs[key])
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for pair in zip(ours, theirs, strict=True):
            assert_near(*pair)
    elif isinstance(ours, float):
        assert theirs == pytest.approx(ours, abs=0.02)
    else:
        assert ours == theirs


class App(NamedTuple):
    task: str
    folder: Path
    photos: list[Path]
    settings: tuple[str, ...]


def small_app(folder: Path) -> App:
    """A classifier, exported for any number of photos."""
    (folder / "photos").mkdir()
    for number in range(5):
        noise(40 + number, 40).save(folder / "photos" / f"{number}.png")
    file = written_network("imagenet", folder)
    done = export("task=imagenet", f"init={file}", "output=app", cwd=folder)
    assert done.returncode == 0, done.stderr
    return App("imagenet", folder, sorted((folder / "photos").iterdir()), ())


def changed(folder: Path, **changes: Any) -> None:
    """Writes other metadata over those of an export."""
    path = folder / "metadata.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, **changes}))
