"""The real commands over every config there is, on data drawn for the purpose."""

import csv
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from PIL import Image

from backbone.weights import read_weights
from tasks.common.commands.run_folder import left_in
from tasks.common.settings.composing import compose
from tests.commands import ROOT, options, run, run_inside
from tests.small_runs import DRAWN, FEW_CROPS, NARROW, TWO_STEPS

TINY = (*DRAWN, *TWO_STEPS)


# What makes a network small, where it has it.
SMALL = dict(setting.split("=") for setting in (NARROW, *FEW_CROPS))


def small(choice: str) -> list[str]:
    """The settings that make the network of a task or an experiment small."""
    config = compose("train", [choice])
    return [f"{key}={value}" for key, value in SMALL.items() if has(config, key)]


def has(config: DictConfig, key: str) -> bool:
    return OmegaConf.select(config, key) is not None


def different_runs() -> list[str]:
    """The tasks and experiments, without those that are others but for a size that is set here."""
    every = [f"{group}={name}" for group in ("task", "experiment") for name in options(group)]
    runs: dict[str, str] = {}
    for choice in every:
        config = compose("train", [choice, *TINY])
        for key, value in SMALL.items():
            if has(config, key):
                OmegaConf.update(config, key, value)
        runs.setdefault(OmegaConf.to_yaml(config), choice)
    return list(runs.values())


@pytest.fixture(scope="module", autouse=True)
def no_checksums_within_checkpoints():
    """Of VGG's gigabytes they take longer than all else; damaged files have tests of their own."""
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    yield
    torch.serialization.set_crc32_options(before)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Makes the setting that names a teacher where one must be named: one for each task."""
    teachers: dict[str, Path] = {}

    def named(choice: str) -> list[str]:
        config = compose("train", [choice])
        if not config.get("teacher") or not OmegaConf.is_missing(config.teacher, "file"):
            return []
        task = config.task["_target_"]
        if task not in teachers:
            teachers[task] = tmp_path_factory.mktemp("teacher")
            settings = (*TINY, *small(choice), f"run_dir={teachers[task]}")
            done = run_inside("train", choice, "teacher=none", *settings, cwd=ROOT)
            assert done.returncode == 0, done.stderr
        return [f"teacher.file={teachers[task]}/checkpoints/last.ckpt"]

    return named


@pytest.fixture(
    scope="module", params=different_runs(), ids=lambda choice: choice.partition("=")[2]
)
def trained(request, tmp_path_factory, teacher):
    """A run folder of two steps of each task and experiment."""
    folder = tmp_path_factory.mktemp("run")
    settings = small(request.param) + teacher(request.param)
    # one in a process of its own; the others save the imports
    command = run if request.param == "task=ssd_coco" else partial(run_inside, cwd=ROOT)
    done = command("train", request.param, *TINY, *settings, f"run_dir={folder}")
    assert done.returncode == 0, done.stderr
    yield folder
    shutil.rmtree(folder)  # VGG's takes gigabytes


def test_train_writes_the_run_folder(trained: Path):
    for name in ("config.yaml", "metrics.json", "report.txt", "predictions.json"):
        assert (trained / name).stat().st_size > 0, name
    assert list((trained / "tensorboard").glob("events.*"))
    with Image.open(trained / "curves.png") as curves:
        assert min(curves.size) > 300
    assert list((trained / "pictures").glob("*.jpg"))
    assert (trained / "checkpoints" / "last.ckpt").is_file()

    metrics = json.loads((trained / "metrics.json").read_text())
    assert all(isinstance(value, int | float) for value in metrics.values())
    assert {"num_params", "mult_adds", "train/images_per_second"} <= metrics.keys()
    assert any(name.startswith("val/") for name in metrics)
    with (trained / "metrics.csv").open() as file:
        steps = [row["step"] for row in csv.DictReader(file) if row["train/loss"]]
    assert steps == ["0", "1"]


def test_all_that_a_run_writes_is_what_another_one_may_replace(trained: Path):
    files = {path for path in trained.rglob("*") if path.is_file()}
    assert {path for path in files if trained / "data" not in path.parents} == {*left_in(trained)}


def test_checkpoint_is_tensors_and_plain_values(trained: Path):
    checkpoint = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["description"]["image_size"] == 96
    assert checkpoint["description"]["backbone"]["name"]


def test_each_batch_norm_sees_a_step_in_one_call(trained: Path):
    """Of several calls, only the last one's statistics would be averaged."""
    checkpoint = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)
    state = checkpoint.get("current_model_state", checkpoint["state_dict"])
    counts = {int(value) for name, value in state.items() if name.endswith("batches_tracked")}
    assert counts <= {0, checkpoint["global_step"]}  # 0 where it is frozen


def reported(run: Path) -> Path:
    """The checkpoint whose figures a run folder holds."""
    metrics = json.loads((run / "metrics.json").read_text())
    return run / "checkpoints" / ("best.ckpt" if "best/step" in metrics else "last.ckpt")


def test_the_network_alone_is_that_of_the_figures(trained: Path):
    metrics = json.loads((trained / "metrics.json").read_text())
    checkpoint = reported(trained)
    step = torch.load(checkpoint, weights_only=True)["global_step"]
    assert metrics[f"{checkpoint.stem}/step"] == step
    alone, whole = read_weights(trained / "weights.safetensors"), read_weights(checkpoint)
    described = json.loads(json.dumps(whole.description))
    if "max_distance" in described:  # of faces of one person, fitted anew with the figures
        described["max_distance"] = pytest.approx(metrics["val/max_distance"])
    assert alone.description == described
    assert alone.tensors.keys() == whole.tensors.keys()
    assert all(torch.equal(alone.tensors[name], whole.tensors[name]) for name in alone.tensors)


def test_eval_repeats_the_figures_of_the_run(trained: Path, tmp_path: Path):
    done = run_inside(
        "eval",
        f"checkpoint={reported(trained)}",
        f"data.root={trained}/data",
        f"run_dir={tmp_path}",
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    ours = json.loads((tmp_path / "metrics.json").read_text())
    theirs = json.loads((trained / "metrics.json").read_text())
    figures = {name: value for name, value in theirs.items() if name.startswith("val/")}
    assert {name: ours[name] for name in figures} == pytest.approx(figures, abs=1e-6)
    assert (tmp_path / "predictions.json").is_file()


def test_predict_draws_every_photo(trained: Path, tmp_path: Path):
    photos = tmp_path / "photos" / "deeper"
    photos.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (("wide.jpg", (90, 60)), ("tiny.png", (1, 1)), ("thin.webp", (1, 500))):
        pixels = rng.integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / name)
    checkpoint = trained / "checkpoints" / "last.ckpt"
    output = tmp_path / "found"
    given = (f"checkpoint={checkpoint}", f"input={photos.parent}", f"output={output}")
    done = run_inside("predict", *given, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    entries = json.loads((output / "predictions.json").read_text())
    sizes = {Path(entry["file"]).name: (entry["width"], entry["height"]) for entry in entries}
    assert sizes == {"wide.jpg": (90, 60), "tiny.png": (1, 1), "thin.webp": (1, 500)}
    assert len(list((output / "pictures" / "deeper").glob("*.jpg"))) == 3


@pytest.mark.parametrize("name", options("experiment"))
def test_experiment_is_a_handful_of_overrides(name: str):
    text = (ROOT / "configs" / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert len([line for line in text if line.strip() and line.strip()[0] != "#"]) <= 20
    assert OmegaConf.load(ROOT / "configs" / "experiment" / f"{name}.yaml")


def test_cost_prints_the_papers_detector():
    done = run_inside("cost", "task=ssd_coco", "format=json", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    keys = [
        "table",
        "model",
        "part",
        "resolution",
        "mult_adds",
        "params",
        "paper_mult_adds",
        "paper_params",
        "note",
    ]
    assert all(list(row) == keys for row in rows)
    assert round(rows[0]["mult_adds"] / 1e9, 2) == 1.24
    assert round(rows[0]["params"] / 1e6, 1) == 6.8
    assert [row["table"] for row in rows].count("figure4") == 16


def test_prepare_says_what_there_is(tmp_path: Path):
    done = run_inside("prepare", "dataset=nothing", f"root={tmp_path}", cwd=tmp_path)
    assert done.returncode == 2
    assert "coco" in done.stderr and "voc2007" in done.stderr


@pytest.mark.parametrize("argument", ["table=7", "--help"])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(argument: str):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "tools/cost.py", argument],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train"], "ssd_coco"),
        (["train", "task=sdd_coco"], "ssd_coco"),
        (["train", "task=ssd_coco", "data=demo", "trainer.max_epoch=1"], "max_epochs"),
        (["train", "task=ssd_coco", "data=demo", "trainer.max_epochs=some"], "whole number"),
        (["train", "task=ssd_coco"], "data=demo"),
        (["train", "task=ssd_coco", "data.root=nowhere"], "nowhere"),
        (["train", "task=ssd_coco", "data=demo", "optim._target_=os.system"], "os.system"),
        (["train", "task=ssd_coco", "data=demo", "init=missing.safetensors"], "missing"),
        (["train", "task=ssd_coco", "data=demo", "resume=last", "run_dir=new"], "last.ckpt"),
        (["eval"], "checkpoint=FILE"),
        (["eval", "init=a.safetensors", "data.root=data"], "checkpoint=FILE or task="),
        (["eval", "checkpoint=a.ckpt", "data.root=data"], "checkpoint=a.ckpt is missing"),
        (
            ["eval", "checkpoint=a.ckpt", "data.root=a", "data.seed=1"],
            "checkpoint=a.ckpt is missing",
        ),
        (["train", "task=ssd_coco", "optim.lrr=1", "optim.decay=1"], "optim.lr=1"),
        (["cost", "data.image_size=300"], "task="),
        (["predict", "checkpoint=a.ckpt", "input=nowhere", "output=out"], "nowhere"),
        (["predict", "checkpoint=a.ckpt", "input=photo.png", "output=out"], "a.ckpt"),
        (["train", "task=ssd_coco", "data=demo", "head=classification"], "ssd, ssd_focal"),
        (["cost", "task=ssd_coco", "head=ssd_pyramid", "backbone=vgg16_deeplab"], "strides"),
        (["cost", "task=faster_rcnn_coco", "head=faster_rcnn_fpn", "backbone=vgg16"], "strides"),
        (["cost", "task=ssd_coco", "head=ssd_vgg", "head.features=[c4]"], "two features"),
        (["cost", "task=faster_rcnn_coco", "head.proposals.anchor_sides=32"], "anchor_sides=32"),
        (["cost", "table=99"], "13"),
        (["figures", "runs=nowhere", "output=out"], "runs=nowhere: metrics.json cannot be read"),
    ],
    ids=lambda value: "-".join(value)[:60] if isinstance(value, list) else None,
)
def test_wrong_input_gets_one_message_and_code_2(arguments: list[str], said: str, tmp_path: Path):
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    done = run_inside(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
