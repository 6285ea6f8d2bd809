"""Prediction on all faces of a photo."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from backbone.errors import InputError
from tasks.face_embedding.data import EmbeddingData
from tasks.face_embedding.records import EmbeddingRecords
from tasks.face_embedding.task import FaceEmbeddingTask
from tasks.faces import mtcnn
from tasks.faces.alignment import TEMPLATE
from tasks.faces.finders import Found
from tests.commands import run_inside
from tests.small_runs import DRAWN, NARROW
from tests.tasks.face_embedding.test_told import settings

FACES = {"none": 0, "one": 1, "two": 2}  # of the photo that is called so


class Finder:
    """Finds a face of 112 pixels for each white dot in a photo's first row."""

    def __init__(self, face_shares: object = ()) -> None: ...

    def find(self, photos: list[np.ndarray]) -> list[Found]:
        counts = [int((photo[0, :, 0] > 200).sum()) for photo in photos]
        shifts = [np.arange(count)[:, None, None] * [100, 0] for count in counts]
        return [
            Found(np.zeros((len(shift), 4)), TEMPLATE + shift, np.ones(len(shift)))
            for shift in shifts
        ]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos of that many faces, and one that cannot be read."""
    monkeypatch.setattr(mtcnn, "MtcnnFinder", Finder)
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, count in FACES.items():
        pixels = np.full((200, 300, 3), 50, np.uint8)
        pixels[0, :count] = 255
        Image.fromarray(pixels).save(folder / f"{name}.png")
    (folder / "torn.png").write_bytes(b"\x89PNG")
    return folder


def test_each_photo_has_its_faces(photos: Path, tmp_path: Path) -> None:
    data = EmbeddingData(faces=None, every_face=True, **settings(tmp_path))
    paths = sorted(photos.iterdir())
    shown = data.predict_set(paths)
    assert len(shown) == 4
    batch = data.collate([shown[0, index] for index in range(4)])
    assert batch["id"].tolist() == [0, 1, 3, 3]
    assert batch["found"].tolist() == [False, True, True, True]
    assert "torn.png" in batch["errors"][0] and batch["several"]
    points = torch.arange(8.0).reshape(4, 2)
    records = EmbeddingRecords(batch["id"], points, batch["frame"], batch["found"], True)
    entries = FaceEmbeddingTask.entries(SimpleNamespace(image_size=32), records)  # type: ignore[arg-type]
    assert [[face["embedding"] for face in entry["faces"]] for entry in entries] == [
        [], [[2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]
    ]  # fmt: skip
    (left, right) = (np.array(face["face"]) for face in entries[2]["faces"])
    np.testing.assert_allclose(right - left, [[100, 0]] * 4, atol=0.02)


def test_faces_that_are_not_searched_for_cannot_all_be_found(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"every_face=true: data\.alignment=none"):
        EmbeddingData(faces=None, every_face=True, **settings(tmp_path, alignment="none"))


def test_the_command_writes_them_with_their_files(photos: Path, tmp_path: Path) -> None:
    given = ("task=facenet_distill", *DRAWN, "data.image_size=32", NARROW, "pictures=null")
    done = run_inside("train", *given, "trainer.max_steps=1", "run_dir=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    every = ("data.alignment=mtcnn", "data.every_face=true", "format=npz")
    done = run_inside(
        "predict", "checkpoint=run/checkpoints/last.ckpt", "input=photos", "output=found", *every,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0 and "3 of 4 photos done" in done.stdout, done
    lines = (tmp_path / "found" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    counts = {Path(row["file"]).stem: len(row["faces"]) for row in map(json.loads, lines)}
    assert counts == FACES
    with np.load(tmp_path / "found" / "predictions.npz", allow_pickle=False) as arrays:
        assert [Path(file).stem for file in arrays["files"]] == ["one", "two", "two"]
        assert arrays["embeddings"].shape == (3, 128) and arrays["corners"].shape == (3, 4, 2)
