"""Help, and refusals of what is misspelt, come at once: nothing heavy is imported for them."""

import json
import subprocess
import sys

import pytest

from tests.commands import ROOT

HEAVY = ("torch", "lightning", "torchvision", "cv2", "albumentations", "matplotlib")
TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("*.py") if path.stem != "__init__")
RUN = """
import json, sys
from pathlib import Path
from tests.commands import run_inside

done = [run_inside(*command, cwd=Path.cwd()) for command in json.loads(sys.argv[1])]
heavy = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
print(json.dumps({"codes": [one.returncode for one in done], "heavy": heavy}))
"""


def imported_by(*commands: tuple[str, ...]) -> tuple[list[int], list[str]]:
    """The exit codes of commands that are run one after the other, and what they imported."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands), json.dumps(HEAVY)],
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
