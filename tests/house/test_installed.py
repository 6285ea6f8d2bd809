"""Installed from its wheel, the suite runs without the checkout, by one program."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.photo_files import write_photos
from tests.small_runs import SMALL_RUN

PACKAGES = ("backbone", "heads", "tasks")
FIVE_LINES = """
import mobilenet_suite
from mobilenet_suite import load
model = load("run/checkpoints/last.ckpt")
assert {"bbox", "name", "score"} <= set(model("photos/0.jpg")["detections"][0])
model.draw("photos/0.jpg").save("found.jpg")
print(mobilenet_suite.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """A folder of installed packages that has the suite alone; its libraries come after it."""
    folder = wheel.parent / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    done = subprocess.run([*pip, "--target", folder, wheel], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def installed(site: Path, tmp_path: Path):
    def run(*words: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return run


def test_the_wheel_holds_the_packages_and_all_that_they_read(wheel: Path) -> None:
    files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = {
        path.relative_to(ROOT).as_posix()
        for folder in (*PACKAGES, "configs", "tools")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    own = {name for name in tracked if name.startswith(PACKAGES)}
    placed = {f"mobilenet_suite/{name}" for name in tracked - own}
    assert files == own | placed | {"mobilenet_suite/__init__.py"}


def test_a_network_is_trained_and_used_in_another_folder(installed, site, tmp_path) -> None:
    program = site / "bin" / "mobilenet"
    said = installed(program, "train", "task=ssd_coco", *SMALL_RUN, "run_dir=run")
    assert "  mobilenet predict checkpoint=" in said and "tools/" not in said
    write_photos(tmp_path / "photos", ["0.jpg"])
    where = installed("-c", FIVE_LINES).splitlines()[-1]
    assert Path(where).parent == site / "mobilenet_suite"
    assert (tmp_path / "found.jpg").stat().st_size > 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 0, "  Trains a task\n"),
        (("--version",), 0, "0.1.0\n"),
        (("train", "--help"), 0, "mobilenet train task=ssd_coco data.root=DIR"),
        (("trian",), 2, "Did you mean mobilenet train?"),
        (("eval", "task=planet", "epochs=3"), 2, "error: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_program_says(words, code, said, installed, site) -> None:
    assert said in installed(site / "bin" / "mobilenet", *words, code=code)
