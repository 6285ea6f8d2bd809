"""Files and folders are what they are called, whatever their names mean to Hydra."""

import json
from pathlib import Path

import pytest

from tests.commands import run_inside
from tests.photo_files import write_photos

NAMES = [
    *("#1", "1.10", "100%", "2024_01", "[x]", "a,b", "a=b", "caf\u00e9", "it's"),
    *("my photos (1)", "tilde~", "true", "$x", "1e3"),
]
SETTINGS = (
    *("task=imagenet", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
    *("backbone.width=0.25", "trainer.max_steps=1", "pictures.count=0", "ema_decay=null"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Where there is a network, and a folder of each name with a photo and with classes."""
    folder = tmp_path_factory.mktemp("paths")
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            write_photos(folder / "data" / split / name, ["a.png", "b.png"])
    for name in NAMES:
        write_photos(folder / name, ["p.png"])
    done = run_inside("train", *SETTINGS, "data.root=data", "run_dir=my run (1)", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name(name: str, place: Path):
    checkpoint = "checkpoint=my run (1)/checkpoints/last.ckpt"
    output = f"output=found/{name}" if name != "true" else "output=found"
    done = run_inside("predict", checkpoint, f"input={name}", output, cwd=place)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((place / output.removeprefix("output=") / "predictions.json").read_text())
    assert entry["file"] == f"{name}/p.png"


def test_home(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(place))
    quoted = "checkpoint='my run (1)/checkpoints/last.ckpt'"
    done = run_inside("eval", quoted, "data.root=~/data", "run_dir=~/scored", cwd=place)
    assert done.returncode == 0, done.stderr
    assert (place / "scored" / "metrics.json").is_file()
