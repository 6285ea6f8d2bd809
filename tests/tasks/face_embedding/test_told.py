"""What is said of photos without a face, and of people in folders of folders."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from backbone.errors import InputError
from tasks.face_embedding.augment import FaceAugmentation
from tasks.face_embedding.data import EmbeddingData
from tasks.face_embedding.identities import IdentityData
from tasks.face_embedding.metric import VerificationMetric
from tasks.face_embedding.pairs import Pairs
from tasks.face_embedding.records import EmbeddingRecords
from tasks.face_embedding.task import FaceEmbeddingTask
from tests.photo_files import write_photos


def settings(tmp_path: Path, **given: Any) -> dict[str, Any]:
    return {
        "pairs": None,
        "pairs_root": None,
        "alignment": "mtcnn",
        "cache": str(tmp_path / "cache"),
        "augmentation": lambda: FaceAugmentation(colour=0.0, gray=0.0, blur=0.0),
        "on_bad_image": "error",
        "batch_size": 2,
        "num_workers": 0,
        "image_size": 32,
        "seed": 0,
        **given,
    }


def test_photos_without_a_face_are_counted_and_marked(tmp_path: Path, caplog):
    write_photos(tmp_path / "photos", ["a.png", "b.png"])
    paths = sorted((tmp_path / "photos").iterdir())
    data = EmbeddingData(faces=None, **settings(tmp_path))
    batch = data.collate([data.predict_set(paths)[0, index] for index in range(2)])
    assert batch["found"].tolist() == [False, False]
    assert "2 photos without a face" in caplog.text
    records = EmbeddingRecords(batch["id"], torch.zeros(2, 3), batch["frame"], batch["found"])
    entries = FaceEmbeddingTask.entries(SimpleNamespace(image_size=32), records)  # type: ignore[arg-type]
    assert [entry["found"] for entry in entries] == [False, False]


def test_where_faces_are_not_searched_for_nothing_is_said_of_them(tmp_path: Path):
    write_photos(tmp_path / "photos", ["a.png"])
    data = EmbeddingData(faces=None, **settings(tmp_path, alignment="none"))
    batch = data.collate([data.predict_set([tmp_path / "photos" / "a.png"])[0, 0]])
    assert "found" not in batch
    records = EmbeddingRecords(batch["id"], torch.zeros(1, 3), batch["frame"])
    entries = FaceEmbeddingTask.entries(SimpleNamespace(image_size=32), records)  # type: ignore[arg-type]
    assert "found" not in entries[0]


def test_copies_and_other_files_among_faces_are_told(tmp_path: Path):
    write_photos(tmp_path / "faces", ["a.png", "b.png"])
    write_photos(tmp_path / "pairs", ["p.png", "q.png", "r.png"], size=(30, 40))
    (tmp_path / "pairs" / "r.png").write_bytes((tmp_path / "faces" / "b.png").read_bytes())
    (tmp_path / "faces" / "clip.mov").write_bytes(b"x")
    pairs = "p.png,q.png,1\np.png,r.png,0\n"
    (tmp_path / "pairs.csv").write_text(f"file1,file2,same\n{pairs}", encoding="utf-8")
    given = {"pairs": str(tmp_path / "pairs.csv"), "pairs_root": str(tmp_path / "pairs")}
    data = EmbeddingData(
        faces=str(tmp_path / "faces"), **settings(tmp_path, alignment="none", **given)
    )
    assert len(data.train_faces) == 2
    assert data.cautions() == [
        "1 of 3 photos of the pairs are trained on too, so that figures flatter"
    ]
    assert "  1 of 3 files is no photo: 1 .mov" in data.report_lines()


def test_people_one_level_too_deep_are_told(tmp_path: Path):
    for folder in ("train/ann", "train/bob", "val/eve", "val/zoe", "tim"):
        write_photos(tmp_path / "ids" / folder, ["1.png", "2.png"])
    given = settings(tmp_path, alignment="none")
    data = IdentityData(identities=str(tmp_path / "ids"), photos_per_person=2, **given)
    assert len(data.known.folders) == 3
    (line,) = [line for line in data.report_lines() if "folders of photos" in line]
    assert line.startswith("  2 people have folders of photos, taken for one person each")
    assert "train has ann, bob" in line and "val has eve, zoe" in line


@pytest.mark.parametrize(("named", "allowed"), [(True, 2.0), (False, 4.0)])
def test_strangers_are_those_of_the_pairs_where_nobody_is_named(named: bool, allowed: float):
    points = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [0, 1]])
    photos, same = np.array([[0, 1], [0, 2]]), np.array([True, False])
    paths = [Path(f"{number}.jpg") for number in range(4)]
    pairs = Pairs(Path("p"), paths, list("aabc"), photos, same, np.zeros(2, int), named=named)
    metric = VerificationMetric(pairs, dimension=2)
    metric.update(EmbeddingRecords(torch.arange(4), points, torch.zeros(4, 2, 3)))
    assert metric.compute()["max_distance"] == pytest.approx(allowed)


@pytest.mark.parametrize("given", ["set", "set/train.rec"])
@pytest.mark.parametrize("setting", ["faces", "identities"])
def test_records_of_mxnet_are_refused_with_the_way_out(setting: str, given: str, tmp_path: Path):
    (tmp_path / "set").mkdir()
    for name in ("train.rec", "train.idx", "property"):
        (tmp_path / "set" / name).write_bytes(b"x")
    place = str(tmp_path / given)
    data = (
        EmbeddingData(faces=place, **settings(tmp_path))
        if setting == "faces"
        else IdentityData(identities=place, photos_per_person=None, **settings(tmp_path))
    )
    with pytest.raises(
        InputError, match=rf"data\.{setting}=.*train\.rec has its photos in records"
    ):
        data.train_faces  # noqa: B018
