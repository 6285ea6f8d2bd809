"""A teacher sets the targets and stays out of what is trained and saved."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.commands import Finished, run_inside
from tests.small_runs import SMALL_RUN

TINY = (*SMALL_RUN, "data.image_size=64", "pictures.count=0")

TEACHER = ("teacher=checkpoint", "teacher.file=teacher/checkpoints/last.ckpt")


def train(task: str, *settings: str, cwd: Path) -> Finished:
    return run_inside("train", f"task={task}", *TINY, *settings, cwd=cwd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has the runs of a teacher, which looks at larger photos, of a student, and of one alone."""
    folder = tmp_path_factory.mktemp("runs")
    for name, settings in (
        ("teacher", ["data.image_size=96"]),
        ("student", TEACHER),
        ("alone", []),
    ):
        done = train("imagenet", *settings, f"run_dir={name}", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def checkpoint(folder: Path, run: str) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(
        folder / run / "checkpoints" / "last.ckpt", weights_only=True
    )
    return state


def test_the_students_checkpoint_is_the_students(folder: Path) -> None:
    student, alone = checkpoint(folder, "student"), checkpoint(folder, "alone")
    assert student["state_dict"].keys() == alone["state_dict"].keys()
    trained = [
        [len(group["params"]) for group in state["optimizer_states"][0]["param_groups"]]
        for state in (student, alone)
    ]
    assert trained[0] == trained[1]


def test_a_teacher_changes_what_is_learned(folder: Path) -> None:
    student, alone = (checkpoint(folder, run)["state_dict"] for run in ("student", "alone"))
    assert any(not torch.equal(alone[name], student[name]) for name in alone)


@pytest.mark.parametrize(
    ("task", "said"), [("stanford_dogs", "1000 classes"), ("ssd_coco", "nothing to teach")]
)
def test_a_teacher_of_other_things_is_refused(folder: Path, task: str, said: str) -> None:
    done = train(task, *TEACHER, f"run_dir=of_{task}", cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
