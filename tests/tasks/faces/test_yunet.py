"""Faces that YuNet finds, in a file of its form."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.api import load
from tasks.face_embedding.faces import find_every_face, find_faces
from tasks.faces.finders import check_alignment, finder_of
from tasks.faces.landmarks import find_landmarks
from tests.commands import run_inside
from tests.exported.small_exports import assert_near, export, written_network
from tests.tasks.faces.yunet_file import BOX_SIDE, POINTS, write_yunet


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_yunet(tmp_path_factory.mktemp("yunet") / "yunet.onnx")


def photo(*cells: tuple[int, int], size: tuple[int, int] = (320, 240)) -> np.ndarray:
    """A photo with red squares of 8 pixels at these places, counted in squares."""
    pixels = np.full((size[1], size[0], 3), 60, np.uint8)
    for x, y in cells:
        pixels[8 * y : 8 * y + 8, 8 * x : 8 * x + 8] = [255, 0, 0]
    return pixels


def test_faces_are_where_the_file_says(file: Path) -> None:
    finder = finder_of(str(file))
    none, one, two = finder.find([photo(), photo((20, 15)), photo((8, 15), (30, 15))])
    assert none.boxes.shape == (0, 4) and none.points.shape == (0, 5, 2)
    np.testing.assert_allclose(one.points, [POINTS + np.array([160, 120])], atol=1e-3)
    left_top, right_bottom = one.boxes[0, :2], one.boxes[0, 2:]
    np.testing.assert_allclose(right_bottom - left_top, BOX_SIDE, rtol=1e-5)
    np.testing.assert_allclose((left_top + right_bottom) / 2, [160, 120], atol=1e-3)
    assert len(two.boxes) == 2 and one.scores == pytest.approx(1)


def test_a_large_photo_is_searched_small_and_a_panorama_whole(file: Path) -> None:
    finder = finder_of(str(file))
    large = cv2.resize(photo((20, 15), size=(320, 320)), (1280, 1280), interpolation=0)
    wide = np.repeat(np.repeat(photo((70, 10), size=(640, 160)), 4, 0), 4, 1)
    (found,), (panorama,) = (list(finder.find([pixels])) for pixels in (large, wide))
    np.testing.assert_allclose(found.points, [4 * (POINTS + np.array([160, 120]))], atol=1e-2)
    np.testing.assert_allclose(panorama.points, [4 * (POINTS + np.array([560, 80]))], atol=1e-2)


def test_a_place_is_searched_once_and_kept_for_its_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(photo((20, 15))).save(tmp_path / "face.png")
    paths, cache = [tmp_path / "face.png"], tmp_path / "cache"
    points, bad = find_landmarks(paths, alignment=str(file), cache=cache)
    np.testing.assert_allclose(points, [POINTS + np.array([160, 120])], atol=1e-3)
    assert not bad
    monkeypatch.setattr("tasks.faces.landmarks.finder_of", None)
    np.testing.assert_array_equal(
        find_landmarks(paths, alignment=str(file), cache=cache)[0], points
    )
    with pytest.raises(TypeError):  # what MTCNN found lies elsewhere
        find_landmarks(paths, alignment="mtcnn", cache=cache)


def test_faces_are_turned_to_the_template(file: Path, tmp_path: Path) -> None:
    for name, cells in (("both", [(8, 15), (30, 15)]), ("nobody", [])):
        Image.fromarray(photo(*cells)).save(tmp_path / f"{name}.png")
    paths = sorted(tmp_path.glob("*.png"))
    settings = {"alignment": str(file), "cache": tmp_path / "cache", "on_bad_image": "skip"}
    faces = find_faces(paths, needed=False, **settings)
    assert [faces.path(0).stem] == ["both"] and "no face found" in faces.notes[0]
    every, whose, _ = find_every_face(paths, alignment=str(file))
    assert whose.tolist() == [0, 0, 1] and every.found.tolist() == [True, True, False]
    middles = every.frames[:2] @ [0.5, 0.5, 1]
    np.testing.assert_allclose(middles[1] - middles[0], [22 * 8, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("alignment", "said"),
    [
        ("yunet", r"name its file, data\.alignment=FILE\.onnx"),
        ("dlib", "is none of mtcnn, none and FILE.onnx"),
        ("gone.onnx", "there is no such file. It is face_detection_yunet"),
    ],
)
def test_what_finds_no_faces_is_refused(alignment: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_alignment(alignment)


def test_a_network_is_exported_and_asked_with_the_file(file: Path, tmp_path: Path) -> None:
    """From weights, from an export, which goes to machines with the file elsewhere, and by both."""
    weights = written_network("facenet_distill", tmp_path)
    (tmp_path / "photos").mkdir()
    Image.fromarray(photo((8, 15), (30, 15))).save(tmp_path / "photos" / "two.png")
    given = ("task=facenet_distill", f"init={weights}", "calibration=photos", "output=app")
    done = export(*given, f"data.alignment={file}", "data.cache=cache", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "app" / "metadata.json").read_text())
    assert about["preparation"]["settings"] == {"data.alignment": "yunet"}
    settings = {"data.alignment": str(file), "data.cache": str(tmp_path / "cache")}
    networks = {
        "weights": load(weights, task="facenet_distill", **settings),
        "file": load(tmp_path / "app", **settings),
    }
    entries = {name: model(tmp_path / "photos" / "two.png") for name, model in networks.items()}
    assert entries["weights"]["found"] and entries["weights"]["face"] == entries["file"]["face"]
    assert_near(entries["weights"], entries["file"])
    whole = (*given[:3], "data.alignment=none", "output=whole")
    assert export(*whole, cwd=tmp_path).returncode == 0
    alone = load(tmp_path / "whole", **{"task.add_mirror": False})  # which torch is needed for
    assert str(alone.network.config.data.alignment) == "none"
    named = (f"data.alignment={file}", "input=photos", "output=found", "pictures=null")
    done = run_inside("predict", "exported=app", *named, "data.cache=cache", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((tmp_path / "found" / "predictions.json").read_text())
    assert entry["face"] == entries["file"]["face"]
    done = run_inside("predict", "exported=app", "input=photos", "output=again", cwd=tmp_path)
    assert done.returncode == 2 and "data.alignment=yunet: name its file" in done.stderr, done


def test_where_nothing_is_found_a_photo_is_searched_smaller(tmp_path: Path) -> None:
    """As one that a face fills: here a board of red cells, which at half the size are half red."""
    finder = finder_of(str(write_yunet(tmp_path / "yunet.onnx", red=(255 + 60) / 2)))
    (found,) = finder.find([photo((20, 20), (21, 21), size=(320, 320))])
    np.testing.assert_allclose(found.points, [2 * (POINTS + np.array([80, 80]))], atol=1e-2)


def test_another_network_is_no_file_of_yunet(tmp_path: Path) -> None:
    (tmp_path / "torn.onnx").write_bytes(b"ONNX")
    with pytest.raises(InputError, match=r"torn\.onnx is no file of YuNet"):
        finder_of(str(tmp_path / "torn.onnx"))
