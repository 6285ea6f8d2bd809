"""Exports of small networks, and what they predict beside the networks."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from filelock import FileLock
from PIL import Image
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
    """A folder with a network's weights, photos, and ``app``, which is its export."""

    task: str
    folder: Path
    photos: list[Path]

    @property
    def weights(self) -> Path:
        return self.folder / f"{self.task}.safetensors"


def shipped(task: str, folder: Path, factory: pytest.TempPathFactory) -> App:
    """A network of a task, exported for any number of photos.

    An export takes seconds, so that all workers share the first one's.

    Args:
        task: Its option.
        folder: Gets a copy, to do with as one likes.
        factory: Of the worker's folders, beside which the export is kept.
    """
    top = factory.getbasetemp()
    top = top.parent if "PYTEST_XDIST_WORKER" in os.environ else top
    made = top / f"shipped_{task}"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            _ship(task, top / f"shipping_{task}").rename(made)
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return App(task, folder, sorted((folder / "photos").iterdir()))


def whole(task: str) -> list[str]:
    """The setting that takes faces where they are in a photo: finding them is the work of torch."""
    return ["data.embedding.alignment=none"] * (task == "multitask_faces")


def _ship(task: str, folder: Path) -> Path:
    (folder / "photos").mkdir(parents=True)
    written_photos(folder / "photos")
    turned = Image.Exif()
    turned[0x0112] = 6
    noise(90, 50).save(folder / "photos" / "3.jpg", exif=turned)
    file = written_network(task, folder)
    given = (f"task={task}", f"init={file.name}", "calibration=photos", "output=app")
    done = export(*given, *whole(task), cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def changed(folder: Path, **changes: Any) -> None:
    """Writes other metadata over those of an export."""
    path = folder / "metadata.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, **changes}))
