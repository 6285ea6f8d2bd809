"""A public network of faces, used by itself: from Python, by predict and with known people."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.api import load
from tasks.common.images.decoding import read_image
from tasks.faces.alignment import show, square_of
from tests.commands import run_inside
from tests.exported.small_exports import written_network
from tests.small_data import noise
from tests.tasks.face_embedding.drawn import FOUND, photo_of
from tests.tasks.face_embedding.small_teacher import SIDE, expected_of, write_teacher

TEACHER = ("task=facenet_distill", "teacher=onnx", "teacher.file=teacher.onnx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, a photo of each of three people, and the same among the known ones."""
    folder = tmp_path_factory.mktemp("teacher")
    write_teacher(folder / "teacher.onnx")
    (folder / "photos").mkdir()
    for name, person in FOUND.items():
        (folder / "known" / name).mkdir(parents=True)
        photo_of(person).save(folder / "known" / name / "1.png")
        photo_of(person).save(folder / "photos" / f"{name}.png")
    return folder


def looked_at(entry: dict, photo: Path) -> np.ndarray:
    frame = square_of(np.array(entry["face"]))
    return expected_of(show(read_image(photo).pixels, frame, SIDE))


def test_python_gets_what_the_file_says_of_the_aligned_face(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)  # whose cache of faces it is
    model = load(folder / "teacher.onnx", task="facenet_distill")
    assert repr(model) == "<teacher teacher.onnx, 112 pixels>" and model.names == ()
    photo = folder / "photos" / "ann.png"
    entry = model(photo)
    assert entry["found"] and np.array(entry["face"]).shape == (4, 2)
    own = np.array(entry["embedding"]) / np.linalg.norm(entry["embedding"])
    np.testing.assert_allclose(own, looked_at(entry, photo), atol=2e-3)
    points = model.embed([photo, Image.open(photo)])
    assert points.shape == (2, 147)
    np.testing.assert_allclose(points[0] / np.linalg.norm(points[0]), own, atol=1e-3)
    with pytest.raises(InputError, match="stays where it is"):
        model.to("cpu")


def test_predict_writes_the_embeddings_of_a_folder(folder: Path) -> None:
    given = (
        "input=photos",
        "output=found",
        "format=npz",
        "data.every_face=true",
        "data.cache=kept",
    )
    done = run_inside("predict", *TEACHER, *given, cwd=folder)
    assert done.returncode == 0 and "3 of 3 photos done" in done.stdout, done
    with np.load(folder / "found" / "predictions.npz", allow_pickle=False) as arrays:
        assert arrays["embeddings"].shape == (3, 147)
        for file, face, point in zip(
            arrays["files"], arrays["corners"], arrays["embeddings"], strict=True
        ):
            expected = looked_at({"face": face}, folder / str(file))
            np.testing.assert_allclose(point / np.linalg.norm(point), expected, atol=2e-3)


def test_people_are_known_by_it(folder: Path) -> None:
    given = ("known=known", "input=photos", "output=named", "data.cache=kept", "max_distance=0.01")
    done = run_inside("demo_facenet_distill", *TEACHER[1:], *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    entries = json.loads((folder / "named" / "predictions.json").read_text())
    named = {Path(entry["file"]).stem: entry["faces"][0]["name"] for entry in entries}
    assert named == {name: name for name in FOUND}
    assert not (folder / "runs" / "demo_facenet_distill").exists()  # nothing is drawn for it


def test_what_is_no_teacher_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"says nothing of its task: load\(\.\.\., task="):
        load(folder / "teacher.onnx")
    (tmp_path / "torn.onnx").write_bytes(b"ONNX")
    with pytest.raises(InputError, match=r"torn\.onnx is no network that can be run"):
        load(tmp_path / "torn.onnx", task="facenet_distill")
    with pytest.raises(InputError, match=r"There is no task=faces"):
        load(folder / "teacher.onnx", task="faces")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("init=facenet_distill.safetensors",), "A teacher is looked at by itself"),
        (("exported=app",), "A teacher is looked at by itself"),
        (("task=imagenet", "heat_map=true", "data=numbered", "data.root=."), "heat_map=true: a"),
    ],
)
def test_a_teacher_and_what_does_not_go_with_it(
    settings: tuple[str, ...], said: str, folder: Path, tmp_path: Path
) -> None:
    written_network("facenet_distill", tmp_path)
    noise().save(tmp_path / "000_a.png")
    named = dict(word.split("=", 1) for word in (*TEACHER, *settings))
    named["teacher.file"] = str(folder / "teacher.onnx")
    given = [f"{key}={value}" for key, value in named.items()]
    done = run_inside("predict", *given, "input=000_a.png", "output=found", cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr, done


def test_settings_of_a_teacher_go_with_it(folder: Path) -> None:
    photo = folder / "photos" / "ann.png"
    settings = {"teacher.channels": "bgr", "data.alignment": "none"}
    model = load(folder / "teacher.onnx", task="facenet_distill", **settings)
    entry = model(photo)
    own = np.array(entry["embedding"]) / np.linalg.norm(entry["embedding"])
    face = show(read_image(photo).pixels, square_of(np.array(entry["face"])), SIDE)
    np.testing.assert_allclose(own, expected_of(face, blue_first=True), atol=2e-3)
    with pytest.raises(InputError, match=r"There is no setting teacher\.chanels"):
        load(folder / "teacher.onnx", task="facenet_distill", **{"teacher.chanels": "bgr"})
