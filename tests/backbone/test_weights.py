"""Weights files and checkpoints: whole, damaged, foreign and hostile."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from backbone.errors import InputError
from backbone.files import replacing
from backbone.loading import load_tensors
from backbone.weights import Weights, read_checkpoint, read_weights, save_weights

DESCRIPTION = {"backbone": {"name": "tiny", "width": 0.5}, "image_size": 64}
READERS = (read_weights, read_checkpoint)


def tiny(in_channels: int = 3, *, num_outputs: int = 5) -> nn.Module:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(in_channels, 8, 3), nn.BatchNorm2d(8))
    return nn.ModuleDict({"backbone": backbone, "head": nn.Linear(8, num_outputs)})


def weights() -> Weights:
    return Weights(tiny().state_dict(), DESCRIPTION)


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "net.safetensors"
    saved = weights()
    tensors = dict(saved.tensors) | {"head.weight": torch.randn(8, 5).t()}  # not contiguous
    save_weights(path, Weights(tensors, DESCRIPTION))
    read = read_weights(path)
    assert read.description == DESCRIPTION
    assert read.tensors.keys() == tensors.keys()
    assert all(torch.equal(read.tensors[name], tensors[name]) for name in tensors)
    assert [file.name for file in path.parent.iterdir()] == ["net.safetensors"]


def test_a_checkpoint_gives_its_network_alone(tmp_path: Path) -> None:
    state = dict(tiny().state_dict()) | {"metric.total": torch.zeros(1)}
    torch.save({"state_dict": state, "description": DESCRIPTION, "step": 3}, tmp_path / "a.ckpt")
    read = read_weights(tmp_path / "a.ckpt")
    assert read.description == DESCRIPTION
    assert read.tensors.keys() == tiny().state_dict().keys()


class Hostile:
    """Unpickling it runs a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("read", READERS)
def test_nothing_in_a_checkpoint_is_executed(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    path, mark = tmp_path / "a.ckpt", tmp_path / "executed"
    content = {"state_dict": {}, "description": {}, "more": Hostile(mark)}
    torch.save(content, path)
    with pytest.raises(InputError, match=r"a\.ckpt: cannot be read .* never loaded"):
        read(path)
    assert not mark.exists()


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
@pytest.mark.parametrize("length", [0, 1, 7, 100, 1000, -1])
def test_a_file_cut_short_is_refused_by_name(tmp_path: Path, suffix: str, length: int) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".ckpt":
        torch.save({"state_dict": tiny().state_dict(), "description": {}}, path)
    else:
        save_weights(path, weights())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=rf"net\{suffix}: "):
        read_weights(path)


@pytest.mark.parametrize("name", ["a.ckpt", "a.safetensors", "a.pth"])
def test_a_missing_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}: no such"):
        read_weights(tmp_path / name)


@pytest.mark.parametrize("content", [{}, [1], {"state_dict": {}}, torch.zeros(3)], ids=str)
def test_other_peoples_checkpoints_are_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="not a checkpoint of this project"):
        read_weights(tmp_path / "a.ckpt")


def test_other_peoples_safetensors_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"has no network description.*import_weights"):
        read_weights(tmp_path / "a.safetensors")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_is_readable_by_others_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "ordinary").write_text("")
    with replacing(tmp_path / "ours") as temporary:
        temporary.write_text(json.dumps({}))
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_the_report_names_every_tensor() -> None:
    module = tiny(num_outputs=7)
    state = {name: value + 1 for name, value in tiny().state_dict().items()}
    report = load_tensors(module, state | {"head.extra": torch.zeros(2)})
    assert report.started_anew == ["head.weight", "head.bias"]
    assert report.unused == ["head.bias", "head.extra", "head.weight"]
    assert report.lines() == [
        "tensors loaded: 6",
        "tensors started anew: 2",
        "  head.weight",
        "  head.bias",
        "tensors of the file not used: 3",
        "  head.bias",
        "  head.extra",
        "  head.weight",
        "class layers: the file has none for this head",
    ]
    assert all(torch.equal(module.state_dict()[name], state[name]) for name in report.loaded)


def test_a_backbone_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"Only 12% .*at least 95% .*backbone\.0\.weight"):
        load_tensors(tiny(in_channels=4), tiny().state_dict())
