"""A folder for each person: batches, what is left out, and runs of the real commands."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backbone.errors import InputError
from tasks.common.files.keyed_rows import KeyedRows, photo_keys
from tasks.face_embedding.drawn_people import write_identities
from tasks.face_embedding.identities import IdentityData
from tasks.face_embedding.sampling import PeopleSampler
from tests.commands import run_inside
from tests.phases import Trap, differences, phase
from tests.small_data import noise, refuses


def write_folders(root: Path, **counts: int) -> Path:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            noise(20 + number, 24).save(root / name / f"{number}.webp")
    return root


def data_of(*roots: Path, **settings: Any) -> IdentityData:
    given = {
        "identities": [str(root) for root in roots],
        "photos_per_person": 3,
        "pairs": None,
        "pairs_root": None,
        "alignment": "none",
        "cache": "unused",
        "augmentation": None,
        "on_bad_image": "skip",
        "batch_size": 4,
        "num_workers": 0,
        "image_size": 32,
        "seed": 0,
    }
    return IdentityData(**given | settings)


def test_people_with_too_few_photos_are_left_out_and_told(tmp_path: Path):
    one = write_folders(tmp_path / "one", ann=2, bob=1, cid=4, nobody=0)
    two = write_folders(tmp_path / "two", ann=3)
    noise().save(two / "loose.png")
    (one / "cid" / "3.webp").write_bytes(b"")
    data = data_of(one, two)
    assert data.train_faces.people.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert [Path(name).parts[-2:] for name in data.label_map.names] == [
        ("one", "ann"),
        ("one", "cid"),
        ("two", "ann"),
    ]
    assert [line.replace(str(tmp_path), "") for line in data.report_lines()] == [
        "train: 8 faces of 3 folders, alignment none",
        "  3 people with 2 to 3 photos; an epoch shows each once, by 3 photos, 1 of them by all of "
        "fewer",
        "  1 photo skipped",
        "    /one/cid/3.webp is empty",
        "  1 photo skipped, in no person's folder",
        "    /two/loose.png",
        "  1 photo skipped, the only one of its person",
        "    /one/bob/0.webp",
    ]
    anyhow = data_of(one, two, photos_per_person=None)
    assert len(anyhow.train_faces) == 9 and len(anyhow.label_map) == 4
    assert type(data.train_sampler(seed=0, batch_size=4, epoch=0, skipped_batches=0)) is (
        PeopleSampler
    )


def write_pairs(folder: Path) -> None:
    """Two people and two pairs of them."""
    for name in ("ann", "bob"):
        (folder / "people" / name).mkdir(parents=True)
        for number in (1, 2):
            noise().save(folder / "people" / name / f"{name}_000{number}.png")
    (folder / "pairs.txt").write_text("1 1\nann 1 2\nann 1 bob 1\n")


def test_people_of_the_pairs_among_those_to_train_on_are_told(tmp_path: Path):
    write_pairs(tmp_path)
    root = tmp_path / "people"
    data = data_of(root, pairs=str(tmp_path / "pairs.txt"), pairs_root=str(root))
    assert len(data.train_faces) == 4
    assert "2 people of the pairs too by name" in data.report_lines()[2]


def test_one_photo_at_a_time_teaches_nothing():
    with pytest.raises(InputError, match=r"data\.photos_per_person=1"):
        data_of(photos_per_person=1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_identities(folder / "data", num_train=32, num_val=3, seed=0)
    return folder


RUN = (
    "task=facenet",
    "data.identities=data/identities",
    "data.pairs=data/pairs.txt",
    "data.pairs_root=data/people",
    "data.alignment=none",
    "data.num_workers=0",
    "data.image_size=64",
    "data.batch_size=8",
    "backbone.width=0.25",
    "trainer.accelerator=cpu",
    "trainer.log_every_n_steps=1",
    "trainer.check_val_every_n_epoch=2",
    "schedule.warmup_steps=0",
    "pictures.count=0",
)


def of(folder: Path) -> list[str]:
    """The settings of a run on the data in a folder, wherever it is started."""
    return [setting.replace("=data/", f"={folder}/data/") for setting in RUN]


@pytest.mark.parametrize("head", ["triplet", "arcface"])
def test_a_run_that_was_killed_goes_on_exactly(head: str, drawn: Path):
    straight, stopped = drawn / f"{head}_straight", drawn / f"{head}_stopped"
    settings = [*of(drawn), f"head={head}", "trainer.max_epochs=2", "checkpoint_every_steps=2"]
    output = drawn / f"{head}.txt"
    done = phase("train", *settings, f"run_dir={straight}", output=output)
    assert done.code == 0, done.output
    for trap in (Trap("on_train_batch_start", 4), Trap("on_train_batch_start", 3)):
        begun = (stopped / "checkpoints").is_dir()
        resume = ["resume=last"] if begun else ["overwrite=true"]
        killed = phase("train", *settings, f"run_dir={stopped}", *resume, trap=trap, output=output)
        assert killed.code == -9, killed.output
    done = phase("train", *settings, f"run_dir={stopped}", "resume=last", output=output)
    assert done.code == 0, done.output
    assert not differences(straight, stopped)

    state = torch.load(straight / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["description"]["label_map"] == {"names": [], "ids": []}
    assert state["description"]["faces"] == {"alignment": "none"}
    assert ("head.criterion.W" in state["state_dict"]) == (head == "arcface")
    if head == "arcface":
        other = write_folders(drawn / "other", ann=2, bob=2)
        refused = phase(
            *("train", *settings, f"data.identities={other}"),
            *(f"run_dir={stopped}", "resume=last", "trainer.max_epochs=3"),
            output=output,
        )
        assert refused.code == 2, refused.output
        assert "learnt from others than this run: its head.criterion.W" in refused.output


def test_the_loss_falls_and_what_was_learned_starts_other_runs(drawn: Path):
    done = run_inside(
        *("train", *RUN, "head=arcface", "head.scale=16", "trainer.max_epochs=6"),
        *("optim.lr=1e-2", "ema_decay=0.5", "run_dir=learned"),
        cwd=drawn,
    )
    assert done.returncode == 0, done.stderr
    with (drawn / "learned" / "metrics.csv").open() as file:
        losses = [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
    assert len(losses) == 24 and np.mean(losses[-4:]) < np.mean(losses[:4]) - 1
    figures = json.loads((drawn / "learned" / "metrics.json").read_text())
    weights = drawn / "learned" / "checkpoints" / "best.ckpt"
    done = run_inside("eval", f"checkpoint={weights}", "run_dir=scored", cwd=drawn)
    assert done.returncode == 0, done.stderr
    scored = json.loads((drawn / "scored" / "metrics.json").read_text())
    assert scored["val/lfw_accuracy"] == figures["val/lfw_accuracy"]
    assert scored["num_params"] == figures["num_params"]  # not the points of people
    done = run_inside(
        "train", *RUN, f"init={weights}", "trainer.max_steps=1", "run_dir=tuned", cwd=drawn
    )
    assert done.returncode == 0, done.stderr
    report = (drawn / "tuned" / "report.txt").read_text()
    assert "tensors started anew: 0" in report and "head.criterion.W" in report


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("data.identities=null",), "data.identities is not set. Ways out: data.identities=DIR"),
        (("data.identities=nowhere",), "data.identities=nowhere: there is no such folder"),
        (("data.identities=flat",), "no folder of a person in it"),
        (("data.identities=empty",), "no images in its folders"),
        (("data.identities=lone",), "1 of 1 folder can be used, and at least two people"),
        (("data.identities=few",), "1 of 2 folders can be used, and at least two people"),
        (("data.photos_per_person=1",), "data.photos_per_person=1"),
        (("head.margin=0",), "head.margin=0"),
        (("head=arcface", "head.scale=-1"), "head.scale=-1"),
        (("data.pairs=null",), "data.pairs is not set"),
    ],
)
def test_what_is_wrong_gets_one_message(settings: tuple[str, ...], said: str, tmp_path: Path):
    write_folders(tmp_path / "data" / "identities", ann=2, bob=2)
    write_folders(tmp_path / "lone", ann=3)
    write_folders(tmp_path / "few", ann=3, bob=1)
    write_folders(tmp_path / "empty", ann=0, bob=0)
    write_folders(tmp_path / "flat")
    (tmp_path / "flat").mkdir()
    noise().save(tmp_path / "flat" / "a.png")
    done = run_inside("train", *RUN, "run_dir=run", *settings, cwd=tmp_path)
    refuses(done, said, folder=tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("task=facenet_distill", "head=triplet", "data.faces=data/people"), "task=facenet data."),
        (("task=facenet", "head=embedding", "data.identities=data/people"), "needs a teacher"),
        (
            ("task=facenet", "data.identities=data/people", "teacher=table", "teacher.file=table"),
            "A teacher has nothing to say to a head with the loss triplet",
        ),
    ],
)
def test_a_head_gets_what_it_learns_from(settings: tuple[str, ...], said: str, tmp_path: Path):
    write_pairs(tmp_path / "data")
    rows = KeyedRows(tmp_path / "table", setting="output")
    people = sorted(f"data/people/{path.name}" for path in (tmp_path / "data/people").iterdir())
    rows.describe(
        {"teacher": {"trained_on": ["x"]}, "photos": {"alignment": "none"}, "classes": people}
    )
    # the photos are all of the same noise
    paths = sorted((tmp_path / "data" / "people").rglob("*.png"))
    rows.add(photo_keys(paths[:1]), np.zeros((1, 1, 4), np.float16))
    done = run_inside("train", *settings, *RUN[2:], "run_dir=run", cwd=tmp_path)
    refuses(done, said, folder=tmp_path)
