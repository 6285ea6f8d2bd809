"""Students of a teacher whose probabilities are on disk."""

import csv
from pathlib import Path

import pytest

from tests.commands import Finished, run_inside

TINY = (
    *("task=face_attributes", "data=demo", "data.num_train=12", "data.num_val=4"),
    *("data.batch_size=4", "data.image_size=64", "data.num_workers=0", "backbone.width=0.25"),
)
SHORT = ("trainer.max_steps=2", "pictures.count=0", "ema_decay=null")


def done(*arguments: str, cwd: Path) -> Finished:
    finished = run_inside(*arguments, cwd=cwd)
    assert finished.returncode == 0, finished.stderr
    return finished


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """The run folder of a teacher."""
    done(
        "train",
        *TINY,
        "trainer.max_steps=8",
        "optim.lr=0.01",
        *SHORT[1:],
        "run_dir=teacher",
        cwd=tmp_path,
    )
    return tmp_path / "teacher"


def test_a_table_teaches_what_the_teacher_would(teacher: Path) -> None:
    folder = teacher.parent
    faces = f"data.root={teacher}/data"
    named = ("teacher=checkpoint", f"teacher.file={teacher}/checkpoints/last.ckpt")
    said = done("cache_teacher", *TINY, faces, *named, "output=table", cwd=folder).stdout
    assert "12 targets added" in said
    losses = []
    # unaugmented, so that both look at the same photos
    plain = ("data.augmentation._target_=tasks.common.augment.plain", "~data.augmentation.min_area")
    for run_dir, taught_by in (
        ("directly", named),
        ("by_table", ("teacher=table", "teacher.file=table")),
    ):
        settings = (*TINY, *SHORT, faces, *plain, *taught_by, f"run_dir={run_dir}")
        done("train", *settings, "trainer.log_every_n_steps=1", cwd=folder)
        with (folder / run_dir / "metrics.csv").open() as file:
            losses.append(
                [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
            )
    # not equal: the table's are of the photo and its mirror image
    assert losses[0] == pytest.approx(losses[1], rel=5e-3)
