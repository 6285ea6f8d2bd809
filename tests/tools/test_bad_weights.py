"""The commands on weights, checkpoints and settings that are wrong."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.commands import run_inside
from tests.small_data import TRAIN, refuses, small_weights, write_coco, write_voc, write_weights

COMMANDS = {
    "train init": ("train", *TRAIN, "init={file}"),
    "train resume": ("train", *TRAIN, "resume={file}"),
    "eval init": ("eval", "task=ssd_coco", "run_dir=run", "init={file}"),
    "eval checkpoint": ("eval", "run_dir=run", "checkpoint={file}"),
    "import": ("import_weights", "source={file}", "output=ours.safetensors"),
}


class Hostile:
    """Unpickling it writes a file."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, ("executed", "w")


def described(path: Path, text: str) -> None:
    save_file({"a": torch.zeros(3)}, path, metadata={"description": text})


WRITERS: dict[str, Callable[[Path], object]] = {
    "empty.safetensors": lambda path: path.touch(),
    "empty.ckpt": lambda path: path.touch(),
    "cut.safetensors": lambda path: path.write_bytes(write_weights(path).read_bytes()[:5000]),
    "foreign.safetensors": lambda path: save_file({"a": torch.zeros(3)}, path),
    "nonsense.safetensors": lambda path: described(path, "hello"),
    "list.safetensors": lambda path: described(path, "[1]"),
    "nothing.safetensors": lambda path: described(path, "{}"),
    "foreign.ckpt": lambda path: torch.save({"state_dict": {"a": torch.zeros(3)}}, path),
    "list.ckpt": lambda path: torch.save([1], path),
    "page.ckpt": lambda path: path.write_text("<!DOCTYPE html>"),
    "hostile.ckpt": lambda path: torch.save({"state_dict": {"a": Hostile()}}, path),
    "hostile.pkl": lambda path: path.write_bytes(pickle.dumps(Hostile())),
    "folder.ckpt": lambda path: path.mkdir(),
    "missing.ckpt": lambda path: None,
    "missing.tflite": lambda path: None,
    "text.tflite": lambda path: path.write_text("hello" * 100),
}


@pytest.fixture(scope="module")
def coco(tmp_path_factory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "coco")


def run_on(command: str, file: Path, *settings: str, coco: Path, cwd: Path) -> Any:
    words = [word.format(file=file) for word in COMMANDS[command]]
    data = [f"data.root={coco}"] if "task=ssd_coco" in words else []
    return run_inside(*words, *data, *settings, cwd=cwd)


TAKERS = {
    ".safetensors": ("train init", "eval init"),
    ".ckpt": ("train init", "train resume", "eval init", "eval checkpoint"),
    ".pkl": tuple(COMMANDS),
    ".tflite": ("import",),
}
PAIRS = [
    *((name, command) for name in WRITERS for command in TAKERS[Path(name).suffix]),
    *((name, "import") for name in ("cut.safetensors", "foreign.safetensors", "hostile.ckpt")),
    ("empty.safetensors", "eval checkpoint"),
]


@pytest.mark.parametrize(("name", "command"), PAIRS)
def test_files_that_are_refused(name: str, command: str, coco: Path, tmp_path: Path):
    file = tmp_path / name
    WRITERS[name](file)
    done = run_on(command, file, coco=coco, cwd=tmp_path)
    refuses(done, name, folder=tmp_path)
    assert "weights_only" not in done.stderr  # torch's advice to switch the safety off
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "ours.safetensors").exists()


BACKBONE = small_weights().description["backbone"]
LABELS = {"names": ["disc", "square"], "ids": [1, 4]}


@pytest.mark.parametrize(
    "description",
    [
        {"image_size": "big"},
        {"image_size": 96.5},
        {"image_size": -5},
        {"image_size": 10**9},
        {"image_size": None},
        {"backbone": "mobilenet"},
        {"backbone": None},
        {"backbone": {"name": "vgg"}},
        {"backbone": BACKBONE | {"depth": 3}},
        {"backbone": BACKBONE | {"_target_": "os.system"}},
        {"head": "ssd"},
        {"head": None},
        {"head": {"name": "classification"}},
        {"head": {"name": "ssd", "activation": "softmax"}},
        {"trained_on": [5]},
        {"label_map": None},
        {"label_map": ["disc", "square"]},
        {"label_map": LABELS | {"ids": ["one", "two"]}},
        {"label_map": LABELS | {"ids": [1]}},
        {"label_map": LABELS | {"names": ["disc", "disc"]}},
        {"label_map": {"names": ["disc", "square", "fig"], "ids": [1, 4, 5]}},
    ],
    ids=str,
)
def test_descriptions_that_are_refused(description: dict[str, Any], coco: Path, tmp_path: Path):
    file = write_weights(tmp_path / "odd.safetensors", **description)
    done = run_on("eval init", file, "data.num_workers=0", coco=coco, cwd=tmp_path)
    refuses(done, "odd.safetensors", folder=tmp_path)


@pytest.mark.parametrize("width", ["wide", 0.5])
def test_a_width_that_is_not_the_files_is_refused(width: object, coco: Path, tmp_path: Path):
    file = write_weights(tmp_path / "odd.safetensors", backbone=BACKBONE | {"width": width})
    refuses(run_on("eval init", file, coco=coco, cwd=tmp_path), "backbone", folder=tmp_path)


@pytest.mark.parametrize(
    "content",
    [{}, {"config": 5}, {"config": {}}, {"config": {"values": 5, "choices": {"task": "../x"}}}],
    ids=str,
)
def test_checkpoints_without_their_settings_are_refused(
    content: dict[str, Any], coco: Path, tmp_path: Path
):
    weights = small_weights()
    file = tmp_path / "odd.ckpt"
    saved = {"state_dict": dict(weights.tensors), "description": dict(weights.description)}
    torch.save(saved | content, file)
    done = run_on("eval checkpoint", file, coco=coco, cwd=tmp_path)
    refuses(done, folder=tmp_path)
    refuses(run_on("train resume", file, coco=coco, cwd=tmp_path), "odd.ckpt", folder=tmp_path)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("backbone.width=0.5", "contradicts"),
        ("backbone.relu6=false", "contradicts"),
        ("head.features=[c5]", "features"),
        ("head.min_scale=0.1", "min_scale"),
        ("head=ssd_pyramid", "lacks"),
        ("head.classification._target_=heads.detection.losses.SoftmaxCrossEntropy", "activation"),
    ],
)
def test_settings_that_contradict_the_file_are_refused(
    setting: str, said: str, coco: Path, tmp_path: Path
):
    file = write_weights(tmp_path / "small.safetensors")
    done = run_on("eval init", file, setting, coco=coco, cwd=tmp_path)
    refuses(done, "small.safetensors", said, folder=tmp_path)


def test_detectors_take_other_sizes_and_say_so(coco: Path, tmp_path: Path):
    file = write_weights(tmp_path / "small.safetensors")
    done = run_on("eval init", file, "data.image_size=160", coco=coco, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "head: ssd; image size 96, here 160" in done.stdout


def test_init_and_checkpoint_exclude_each_other(coco: Path, tmp_path: Path):
    file = write_weights(tmp_path / "small.safetensors")
    done = run_on("eval init", file, f"checkpoint={file}", coco=coco, cwd=tmp_path)
    refuses(done, folder=tmp_path)


def test_import_writes_nothing_where_it_cannot(tmp_path: Path):
    file = write_weights(tmp_path / "small.safetensors")
    for settings in (
        [f"source={file}", "output=ours.bin"],
        [f"source={file}", "output=ours.safetensors", "labels=missing.txt"],
        ["source=5", "output=ours.safetensors"],
    ):
        done = run_inside("import_weights", *settings, cwd=tmp_path)
        refuses(done, folder=tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["small.safetensors"]


def test_the_wrong_format_for_the_data_is_refused(coco: Path, tmp_path: Path):
    voc = write_voc(tmp_path / "voc", "<annotation></annotation>")
    refuses(run_inside("train", *TRAIN, f"data.root={voc}", cwd=tmp_path), voc, folder=tmp_path)
    done = run_inside("train", *TRAIN, "data=voc", f"data.root={coco}", cwd=tmp_path)
    refuses(done, coco, folder=tmp_path)
