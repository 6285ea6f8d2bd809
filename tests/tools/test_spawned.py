"""Where processes are not forked, as on macOS and Windows, and from Python 3.14 on by default."""

import os
import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import Trainer
from torch import nn

from tasks.common.data.module import DataModule
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tests.commands import ROOT, options
from tests.photo_files import write_photos
from tests.small_runs import DRAWN, NARROW

TINY = (
    *(*DRAWN, "data.num_val=4", "data.num_workers=2", NARROW, "pictures.count=1"),
    *("trainer.accelerator=cpu", "trainer.max_epochs=2", "trainer.log_every_n_steps=1"),
)


@pytest.mark.parametrize(
    ("method", "tasks"),
    [
        ("spawn", ["ssd_coco"]),
        # travels alike, and takes less time: one process imports for all. What of each task
        # travels is below.
        ("forkserver", ["imagenet", "multitask_faces"]),
    ],
)
def test_the_commands_run(method: str, tasks: list[str], tmp_path: Path) -> None:
    write_photos(tmp_path / "photos", ["0.jpg", "1.jpg", "2.jpg"])
    spawns = method == "spawn"  # where each process imports for itself: training validates, too
    workers = f"data.num_workers={1 if spawns else 2}"
    tools = ["train", "predict"] if spawns else ["train", "eval", "predict"]
    commands = [
        command for task in tasks for command in commands_of(task, workers) if command[0] in tools
    ]
    words = [word for command in commands for word in ("--", *command)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.spawned", method, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    for task in tasks:
        folders = {"train": "run", "eval": "eval", "predict": "found"}
        for tool in tools:
            assert (tmp_path / task / folders[tool] / "predictions.json").exists()
    if "imagenet" in tasks:  # counted in all processes
        report = (tmp_path / "imagenet" / "run" / "report.txt").read_text()
        assert "8 copies made, 0 made anew, 8 found" in report


def commands_of(task: str, workers: str) -> list[list[str]]:
    checkpoint = f"checkpoint={task}/run/checkpoints/last.ckpt"
    copies = ("data.cache=copies", "data.cache_side=48") if task == "imagenet" else ()
    return [
        ["train", f"task={task}", *TINY, *copies, workers, f"run_dir={task}/run"],
        ["eval", checkpoint, workers, f"run_dir={task}/eval"],
        ["predict", checkpoint, "input=photos", f"output={task}/found", workers],
    ]


class Luggage(pickle.Pickler):
    """What a process is given, where only plain things may be in."""

    def reducer_override(self, thing: object) -> object:
        assert not isinstance(thing, DataModule | Trainer | nn.Module), thing
        return NotImplemented


DATA = [
    *((task,) for task in options("task")),
    ("ssd_coco", "data.augmentation._target_=tasks.detection.augmentation.recipes.strong"),
    ("imagenet", "data.augmentation._target_=tasks.common.data.augmentation.modern"),
    ("planet", "data.album_size=2"),
]


@pytest.mark.parametrize("settings", DATA, ids=" ".join)
def test_only_the_data_set_and_plain_functions_travel(settings, tmp_path: Path) -> None:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        overrides = [f"task={settings[0]}", *settings[1:], *TINY, f"run_dir={tmp_path}"]
        data = build(compose("train", overrides=overrides).data)
    data.prepare_data()
    photo = Path(str(data.val_photo(0)[0]))
    for loader in (
        data.train_dataloader(),
        data.val_dataloader(),
        data.predict_dataloader([photo]),
    ):
        here = (loader.dataset, loader.collate_fn, loader.worker_init_fn)
        luggage = BytesIO()
        Luggage(luggage).dump(here)
        assert luggage.tell() < 250_000  # of polygons, mostly
        places = next(iter(loader.batch_sampler))
        here, there = (
            collate([samples[place] for place in places])["image"]
            for samples, collate, _ in (here, pickle.loads(luggage.getvalue()))
        )
        assert torch.equal(here, there)
