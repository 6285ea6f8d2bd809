"""Faces named by the nearest of the people that are known."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from heads.head import Batch
from tasks.common.training.task import Task
from tasks.face_embedding import recognition
from tasks.face_embedding.recognition import name_faces
from tasks.face_embedding.task import FaceEmbeddingTask
from tests.commands import Finished, run_inside
from tests.small_data import noise
from tests.tasks.face_embedding.drawn import FOUND, NEVER_FOUND, RUN, photo_of, write_people

CENTRES = torch.tensor([[1.0, 0, 0], [0, 1, 0]])


def test_a_face_gets_the_name_of_the_nearest_person_who_is_near_enough() -> None:
    points = torch.tensor([[0.8, 0.6, 0], [0, 1, 0], [0, 0, 1]])
    faces = name_faces(points, ["ann", "bob"], CENTRES, max_distance=1.2)
    assert [face["name"] for face in faces] == ["ann", "bob", None]
    distances = [face["distance"] for face in faces]
    assert distances == pytest.approx([0.4, 0, 2], abs=1e-5)  # squared: 2 less twice the cosine
    strict = name_faces(points, ["ann", "bob"], CENTRES, max_distance=0.3)
    assert [face["name"] for face in strict] == [None, "bob", None]


def test_no_face_no_name() -> None:
    assert name_faces(torch.zeros(0, 3), ["ann", "bob"], CENTRES, max_distance=1.2) == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of one step on aligned faces."""
    folder = write_people(tmp_path_factory.mktemp("trained"))
    done = run_inside("train", *RUN, "head=arcface", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run" / "checkpoints" / "last.ckpt"


def recognise(checkpoint: Path, *settings: str, cwd: Path) -> Finished:
    return run_inside(
        "demo_facenet", f"checkpoint={checkpoint}", "data.cache=cache", *settings, cwd=cwd
    )


def colours(_: Task, views: torch.Tensor) -> torch.Tensor:
    """Embeddings that need no training: a picture of few pixels."""
    return F.normalize(F.adaptive_avg_pool2d(views.float() - 128, 6).flatten(1))


def test_known_people_are_found_in_photos(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "embed", colours)
    for name, person in FOUND.items():
        (tmp_path / "known" / name).mkdir(parents=True)
        photo_of(person).save(tmp_path / "known" / name / "1.png")
    (tmp_path / "known" / "bob" / "1.png").rename(tmp_path / "known" / "bob.png")
    (tmp_path / "known" / "ann" / "torn.png").write_bytes(b"\x89PNG")
    (tmp_path / "known" / "nobody").mkdir()
    photos = tmp_path / "photos"
    photos.mkdir()
    both = Image.new("RGB", (320, 160))
    for place, person in enumerate((FOUND["ann"], FOUND["bob"])):
        both.paste(photo_of(person, 4), (160 * place, 0))
    both.save(photos / "both.png")
    photo_of(FOUND["ann"]).save(photos / "copy.png")
    photo_of(NEVER_FOUND).save(photos / "faceless.png")
    (photos / "page.jpg").write_text("<html></html>")

    settings = ("known=known", "input=photos", "output=found", "max_distance=4")
    done = recognise(trained, *settings, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 photos, 3 faces" in done.stdout and "Pictures: found/sheet.jpg" in done.stdout
    skipped = [line for line in done.stdout.splitlines() if "1 photo skipped" in line]
    assert len(skipped) == 2 and "torn.png" in skipped[0] and "page.jpg" in skipped[1]
    entries = json.loads((tmp_path / "found" / "predictions.json").read_text())
    found = {Path(entry["file"]).name: entry["faces"] for entry in entries}
    assert {name: len(faces) for name, faces in found.items()} == {
        "both.png": 2,
        "copy.png": 1,
        "faceless.png": 0,
    }
    assert [face["name"] for face in found["copy.png"]] == ["ann"]
    assert all(face["name"] in FOUND for face in found["both.png"])
    assert len(list((tmp_path / "found" / "pictures").iterdir())) == 3
    strict = (*settings[:3], "max_distance=0.1")
    refused = recognise(trained, *strict, cwd=tmp_path)
    assert refused.returncode == 2 and "output=found holds results already" in refused.stderr
    assert json.loads((tmp_path / "found" / "predictions.json").read_text()) == entries
    done = recognise(trained, *strict, "overwrite=true", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    entries = json.loads((tmp_path / "found" / "predictions.json").read_text())
    names = {Path(e["file"]).name: [face["name"] for face in e["faces"]] for e in entries}
    assert names == {"both.png": [None, None], "copy.png": ["ann"], "faceless.png": []}


def test_two_photos_are_compared(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "embed", colours)
    photo_of(FOUND["ann"]).save(tmp_path / "a.png")
    photo_of(FOUND["ann"]).save(tmp_path / "same.png")
    photo_of(NEVER_FOUND).save(tmp_path / "faceless.png")
    for name, said in (
        ("same", r"^same\.png: 0\.0\d\d from a\.png, the same person$"),
        ("faceless", r"^faceless\.png: no face found$"),
    ):
        settings = ("known=a.png", f"input={name}.png", f"output={name}", "max_distance=0.1")
        done = recognise(trained, *settings, cwd=tmp_path)
        assert done.returncode == 0 and re.search(said, done.stdout, re.MULTILINE), done


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("known=nowhere", "input=photos"), "known=nowhere: there is no such folder"),
        (("known=empty", "input=photos"), "known=empty: needs a folder of photos for each"),
        (("known=photos",), "known=DIR needs input=PHOTOS too, and checkpoint=FILE"),
        (("known=faceless", "input=photos"), "shows a face that can be used"),
        (("known=good", "input=nowhere"), "No file or folder at nowhere"),
        (("known=good", "input=torn"), "None of the photos can be read:\n  torn/a.png is empty"),
        (("input=torn",), "input=torn: none of the photos can be read"),
    ],
)
def test_whom_to_know_and_where_to_look_must_be_there(
    settings: tuple[str, ...], said: str, trained: Path, tmp_path: Path
) -> None:
    for folder in ("photos", "empty", "faceless/ann", "good/ann"):
        (tmp_path / folder).mkdir(parents=True)
    noise().save(tmp_path / "photos" / "a.png")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "a.png").touch()
    photo_of(NEVER_FOUND).save(tmp_path / "faceless" / "ann" / "a.png")
    photo_of(FOUND["ann"]).save(tmp_path / "good" / "ann" / "a.png")
    done = recognise(trained, *settings, "output=found", cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done
    assert done.stderr.startswith("error: ") and said in done.stderr


def test_a_checkpoint_keeps_the_distance_that_was_fitted_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predictions(task: Task, batch: Batch, features: Any = None) -> torch.Tensor:
        return colours(task, batch["image"])

    monkeypatch.setattr(FaceEmbeddingTask, "predictions", predictions)  # one step learns nothing
    write_people(tmp_path)
    done = run_inside("train", *RUN, "head.dimension=108", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    fitted = json.loads((tmp_path / "run" / "metrics.json").read_text())["val/max_distance"]
    assert 0 < fitted < 4 and f"max_distance {fitted:.3f}" in done.stdout
    for name in ("last.ckpt", "best.ckpt"):
        checkpoint = torch.load(tmp_path / "run" / "checkpoints" / name, weights_only=True)
        assert checkpoint["description"]["max_distance"] == pytest.approx(fitted, rel=1e-5)


def test_names_are_given_at_the_distance_that_was_fitted_to_the_network(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To faces at that distance at most, unless the user says otherwise."""
    monkeypatch.setattr(recognition, "embed", colours)
    checkpoint = torch.load(trained, weights_only=True)
    (tmp_path / "known" / "ann").mkdir(parents=True)
    photo_of(FOUND["ann"]).save(tmp_path / "known" / "ann" / "1.png")
    photo_of(FOUND["bob"]).save(tmp_path / "bob.png")

    def nearest(max_distance: float | None, *settings: str) -> tuple[Finished, dict]:
        checkpoint["description"]["max_distance"] = max_distance
        torch.save(checkpoint, tmp_path / "changed.ckpt")
        given = ("known=known", "input=bob.png", "output=found", "overwrite=true", *settings)
        done = recognise(tmp_path / "changed.ckpt", *given, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        (entry,) = json.loads((tmp_path / "found" / "predictions.json").read_text())
        return done, entry["faces"][0]

    _, face = nearest(4.0)
    assert face["name"] == "ann"
    just_beyond = 0.99 * face["distance"]
    assert nearest(just_beyond)[1]["name"] is None
    assert nearest(just_beyond, "max_distance=4")[1]["name"] == "ann"
    done, face = nearest(None)
    assert "tools/eval.py checkpoint=" in done.stdout and "max_distance=N" in done.stdout
    assert f": {recognition.CAUTIOUS_DISTANCE:.2f} is taken" in done.stdout
    (tmp_path / "known" / "bob").mkdir()
    photo_of(FOUND["bob"]).save(tmp_path / "known" / "bob" / "1.png")
    taken = re.search(r": (\S+) is taken", nearest(None)[0].stdout)
    # the photo of bob from the only one of ann, found in it a little otherwise
    assert taken and float(taken[1]) == pytest.approx(face["distance"], rel=0.2)


@pytest.mark.parametrize("value", ["-1", "5", "near"])
def test_a_distance_that_there_is_not_is_refused(value: str, trained: Path, tmp_path: Path) -> None:
    done = recognise(
        *(trained, "known=known", "input=photos", "output=found", f"max_distance={value}"),
        cwd=tmp_path,
    )
    assert done.returncode == 2 and f"max_distance={value}" in done.stderr, done


def test_a_network_of_another_task_knows_nobody(tmp_path: Path) -> None:
    done = run_inside(
        *("train", "task=imagenet", "data=demo", "data.num_train=8", "data.num_val=2"),
        *("data.batch_size=4", "data.image_size=64", "data.num_workers=0"),
        *("backbone.width=0.25", "trainer.max_steps=1", "pictures.count=0", "ema_decay=null"),
        "run_dir=run",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    done = recognise(checkpoint, "known=run", "input=run", "output=found", cwd=tmp_path)
    assert done.returncode == 2, done
    assert "is of another task than face embeddings" in done.stderr
