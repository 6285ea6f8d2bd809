"""A task, head, backbone, converter, data set and benchmark enter the project as new files."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from tests.commands import ROOT

ADDED = ROOT / "tests" / "new_files"  # a tree like the project's own
CHECKPOINT = "checkpoint=runs/first/checkpoints/last.ckpt"
LOADING = ("data.batch_size=4", "data.num_workers=0")
TRAINED = ("task=brightness", "data=demo", "run_dir=runs/first", "trainer.max_steps=2", *LOADING)
COMMANDS = [
    ("import_weights", "source=runs/published.pth", "output=runs/body.safetensors"),
    ("train", *TRAINED, "init=runs/body.safetensors"),
    ("eval", CHECKPOINT, "run_dir=runs/second", *LOADING),
    ("predict", CHECKPOINT, "input=runs/first/data/val", "output=runs/found", *LOADING),
    ("cost", "task=brightness", "num_classes=1", "data.image_size=32"),
    ("bench", "task=brightness", "seconds=0.01"),
    ("prepare", "dataset=brightness", "root=runs/public"),
]
RUN_ALL = """
import json
from pathlib import Path
from tests.commands import run_inside

printed = {}
for command in json.loads(Path("commands.json").read_text()):
    done = run_inside(*command, cwd=Path.cwd())
    assert done.returncode == 0, (command, done)
    printed[command[0]] = done.stdout
print(json.dumps(printed))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the new files in it."""
    folder = tmp_path_factory.mktemp("copy")
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    for name in (name for name in listed if (ROOT / name).is_file()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    git("init", "--quiet", cwd=folder)
    git("add", "--all", "--force", cwd=folder)
    shutil.copytree(ADDED, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout


def run(project: Path, program: str, *arguments: str) -> str:
    """Runs a program on the copy; what it printed."""
    done = subprocess.run(
        [program, *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def printed(project: Path) -> dict[str, str]:
    """What each command printed; all run in one process, since most of their time is imports."""
    write_published(project / "runs" / "published.pth")
    write_archive(project / "runs" / "public" / "brightness.zip")
    (project / "commands.json").write_text(json.dumps(COMMANDS))
    return dict(json.loads(run(project, sys.executable, "-c", RUN_ALL).splitlines()[-1]))


def test_each_command_runs_them(printed: dict[str, str], project: Path) -> None:
    runs = project / "runs"
    assert 0 < figure(runs / "first") <= 1
    assert figure(runs / "second") == figure(runs / "first")
    found = json.loads((runs / "found" / "predictions.json").read_text())
    assert len(found) == 4 and all(0 < photo["brightness"] < 1 for photo in found)
    assert "strided" in printed["import_weights"]
    assert "brightness" in printed["cost"]
    assert "a pass" in printed["bench"]
    assert "tools/train.py task=brightness data.root=runs/public" in printed["prepare"]


@pytest.mark.usefixtures("printed")
def test_no_other_file_is_touched(project: Path) -> None:
    assert git("diff", "--name-only", cwd=project) == ""


def test_import_contracts_admit_them(project: Path) -> None:
    run(project, str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


def test_tests_that_list_folders_hold_of_them(project: Path) -> None:
    files = ("heads/test_names.py", "heads/test_settings.py", "backbone/test_backbones.py")
    chosen = ("-q", "-k", "brightness or strided", *(f"tests/{file}" for file in files))
    assert " passed" in run(project, sys.executable, "-m", "pytest", *chosen)


def test_contributing_shows_them() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    # (\w\S*\.(?:py|yaml))", text, re.MULTILINE)
    assert len(shown) >= 8
    assert [name for name in shown if not (ADDED / name).is_file()] == []


def figure(folder: Path) -> float:
    return float(json.loads((folder / "metrics.json").read_text())["val/closeness"])


def write_published(path: Path) -> None:
    """A body as its makers would publish it."""
    path.parent.mkdir(parents=True)
    torch.manual_seed(0)
    state = {}
    for number, (before, side) in enumerate(((3, 4), *((8, 2),) * 3), start=1):
        state[f"conv{number}.weight"] = torch.randn(8, before, side, side) / 10
        state[f"conv{number}.bias"] = torch.zeros(8)
    torch.save(state, path)


def write_archive(path: Path) -> None:
    """The published file that ``configs/dataset/brightness.yaml`` knows, byte by byte."""
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:  # stored, at the first moment that zip files know
        archive.writestr(zipfile.ZipInfo("train/40.png"), b"content")
