"""Commands start at once: nothing heavy is imported for what goes without."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.exported.small_exports import written_network, written_photos

HEAVY = ("torch", "lightning", "torchvision", "cv2", "albumentations", "matplotlib")
# what only training, figures and charts need
OF_TRAINING = (
    *("lightning", "torchvision", "torchmetrics", "torch._dynamo", "timm"),
    *("albumentations", "matplotlib", "scipy", "sympy"),
)
TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("*.py") if path.stem != "__init__")
RUN = """
import json, sys
from pathlib import Path
from tests.commands import run_inside

done = [run_inside(*command, cwd=Path.cwd()) for command in json.loads(sys.argv[1])]
heavy = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
print(json.dumps({"codes": [one.returncode for one in done], "heavy": heavy}))
"""


def imported_by(
    *commands: tuple[str, ...], heavy: Sequence[str] = HEAVY
) -> tuple[list[int], list[str]]:
    """The exit codes of commands that are run one after the other, and what they imported."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands), json.dumps(heavy)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    return said["codes"], said["heavy"]


def test_help_of_every_command():
    codes, heavy = imported_by(*((tool, "--help") for tool in TOOLS))
    assert set(codes) == {0} and heavy == []


@pytest.mark.parametrize(
    "wrong",
    [("epochs=3",), ("+lr_find=true",), ("data.rot=x",), ("--epochs", "3"), ("task=imgnet",)],
    ids=lambda words: words[0],
)
def test_what_is_misspelt(wrong: tuple[str, ...]):
    task = () if wrong[0].startswith("task=") else ("task=imagenet",)
    codes, heavy = imported_by(*((tool, *task, *wrong) for tool in ("train", "eval", "cost")))
    assert set(codes) == {2} and heavy == []


def test_photos_are_looked_at_with_little_more_than_torch(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    photos = written_photos(tmp_path / "photos")
    tasks = (
        *(("ssd_coco",), ("faster_rcnn_coco",)),
        *(("mask_rcnn_coco",), ("imagenet",), ("face_attributes",)),
        ("facenet", "data.alignment=none"),
        ("planet", "pictures=null"),  # of a map, by matplotlib
    )
    commands = [
        (
            *("predict", f"task={task}", f"init={written_network(task, tmp_path)}"),
            *(f"input={photos}", f"output={tmp_path / task}", "data.num_workers=0"),
            *settings,
        )
        for task, *settings in tasks
    ]
    codes, heavy = imported_by(*commands, heavy=OF_TRAINING)
    assert set(codes) == {0} and heavy == []
    assert len(list(tmp_path.glob("*/predictions.json"))) == len(commands)
