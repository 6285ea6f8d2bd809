"""Checkpoints that are damaged, foreign or malicious are refused, wherever one is given."""

import os
from pathlib import Path

import pytest
import torch

from tests.phases import Runs, phase


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def good(runs) -> Path:
    return runs.straight("good", "trainer.max_steps=1") / "checkpoints" / "last.ckpt"


class Malice:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def damaged(kind: str, good: Path, folder: Path) -> Path:
    path = folder / f"{kind}.ckpt"
    if kind == "malicious":
        checkpoint = torch.load(good, weights_only=True)
        torch.save(checkpoint | {"callbacks": Malice(folder / "executed")}, path)
    elif kind == "foreign":
        torch.save({"model": {"weight": torch.zeros(3)}, "epoch": 3}, path)
    else:
        data = good.read_bytes()
        path.write_bytes(data[: len(data) // 2] if kind == "truncated" else b"")
    return path


@pytest.mark.parametrize("kind", ["truncated", "empty", "foreign", "malicious"])
@pytest.mark.parametrize("use", ["resume", "init", "checkpoint"])
def test_damaged_checkpoints_are_refused(runs, good, tmp_path, kind, use):
    path = damaged(kind, good, tmp_path)
    output = tmp_path / "output.txt"
    if use == "checkpoint":
        refused = phase("eval", f"checkpoint={path}", f"run_dir={tmp_path / 'run'}", output=output)
    else:
        settings = (*runs.settings, f"run_dir={tmp_path / 'run'}", f"{use}={path}")
        refused = phase("train", *settings, output=output)
    assert refused.code == 2, refused.output
    assert refused.output.startswith("error: ") and str(path) in refused.output
    assert "Traceback" not in refused.output
    assert not (tmp_path / "executed").exists()
