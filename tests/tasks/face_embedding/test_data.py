"""Photos and lists that are wrong: one message each, or a counted skip."""

from pathlib import Path

import facenet_pytorch
import numpy as np
import pytest
import torch
from PIL import Image

from backbone.errors import InputError
from tasks.face_embedding.faces import find_faces
from tasks.face_embedding.pairs import read_pairs
from tasks.faces.finders import Found, nearest_to_centre
from tasks.faces.landmarks import find_landmarks
from tests.small_data import noise


def write_pairs(folder: Path, text: str) -> Path:
    for name, count in (("ann", 2), ("bob", 1)):
        (folder / name).mkdir()
        for number in range(1, count + 1):
            noise().save(folder / name / f"{name}_{number:04d}.webp")
    (folder / "pairs.txt").write_text(text)
    return folder / "pairs.txt"


def test_pairs_by_hand(tmp_path: Path) -> None:
    file = write_pairs(tmp_path, "1\t1\nann\t1\t2\nann\t2\tbob\t1\n")
    pairs = read_pairs(file, tmp_path, cache=tmp_path / "cache")
    assert [path.stem for path in pairs.paths] == ["ann_0001", "ann_0002", "bob_0001"]
    assert pairs.photos.tolist() == [[0, 1], [1, 2]]
    assert pairs.same.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line"),
        ("ten 300\n", "'ten 300'"),
        ("1 1\nann 1 2\n", "announces 2 pairs, and there are 1"),
        ("1 1\nann 1 2\nann 1 2\n", "line 3: 'ann 1 2'"),
        ("1 1\nann one 2\nann 1 bob 1\n", "line 2: 'ann one 2'"),
        ("1 1\nann 1 3\nann 1 bob 1\n", "line 2: the pair 'ann 1 3' needs .*ann_0003"),
        ("1 1\nann 1 2\nann 1 ../ann 1\n", "line 3: the pair"),
        ("1 1\n\nann 1 1\nann 1 bob 1\n", "line 3: 'ann 1 1' is one photo"),
        ("1 1\nann 1 2\n\nann 1 ann 2\n", "line 4: 'ann 1 ann 2' .* names one"),
    ],
)
def test_wrong_pairs_are_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_pairs(write_pairs(tmp_path, text), tmp_path, cache=tmp_path / "cache")


def test_two_files_for_one_photo_are_refused(tmp_path: Path) -> None:
    file = write_pairs(tmp_path, "1 1\nann 1 2\nann 1 bob 1\n")
    noise().save(tmp_path / "ann" / "ann_0002.png")
    with pytest.raises(InputError, match=r"ann_0002\.png and ann_0002\.webp are both"):
        read_pairs(file, tmp_path, cache=tmp_path / "cache")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One of noise, one cut short, one too thin for a face, and one of 400 megapixels."""
    folder = tmp_path_factory.mktemp("photos")
    noise().save(folder / "noise.png")
    noise().save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-200])
    noise(1, 50).save(folder / "thin.png")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    return sorted(folder.iterdir())


def test_photos_without_a_face_and_unreadable_ones(photos: list[Path], tmp_path: Path) -> None:
    points, bad = find_landmarks(photos, alignment="mtcnn", cache=tmp_path)
    assert np.isnan(points).all()
    assert {photos[index].name for index in bad} == {"cut.jpg", "huge.png"}
    again, _ = find_landmarks(photos, alignment="mtcnn", cache=tmp_path)
    assert np.isnan(again).all() and len(list(tmp_path.glob("*.keys.npy"))) == 1
    settings = {"alignment": "mtcnn", "cache": tmp_path}
    with pytest.raises(InputError, match="2 of 4 photos cannot be used"):
        find_faces(photos, on_bad_image="error", needed=False, **settings)
    with pytest.raises(InputError, match="shows a face"):
        find_faces(photos, on_bad_image="skip", needed=False, **settings)
    with pytest.raises(InputError, match="all needed"):
        find_faces(photos, on_bad_image="skip", needed=True, **settings)


def test_a_file_that_is_gone_is_one_of_the_unreadable(photos: list[Path], tmp_path: Path) -> None:
    _, bad = find_landmarks(
        [tmp_path / "gone.png", photos[2]], alignment="mtcnn", cache=tmp_path / "cache"
    )
    assert list(bad) == [0] and "gone.png cannot be read" in bad[0]


def test_a_full_gpu_is_no_photo_without_a_face(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def detect(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(facenet_pytorch.MTCNN, "detect", detect)
    with pytest.raises(torch.OutOfMemoryError):
        find_landmarks(photos, alignment="mtcnn", cache=tmp_path)
    assert not list(tmp_path.glob("*.keys.npy"))


def test_the_middle_stands_in_for_a_face_of_a_pair(photos: list[Path], tmp_path: Path) -> None:
    some = [path for path in photos if path.name in ("noise.png", "thin.png")]
    faces = find_faces(some, alignment="mtcnn", cache=tmp_path, on_bad_image="error", needed=True)
    assert np.isfinite(faces.frames).all()
    assert len(faces.notes) == 2 and "its middle is shown" in faces.notes[0]


def test_without_alignment_bad_photos_are_skipped(photos: list[Path], tmp_path: Path) -> None:
    faces = find_faces(photos, alignment="none", cache=tmp_path, on_bad_image="skip", needed=False)
    assert len(faces) == 2 and len(faces.notes) == 2


def test_the_box_nearest_the_middle() -> None:
    boxes = np.array([[0, 0, 40, 40], [40, 40, 60, 60.0]])
    points = np.arange(20.0).reshape(2, 5, 2)
    found = Found(boxes, points, np.ones(2))
    assert (nearest_to_centre(found, (100, 100)) == points[1]).all()
    assert (nearest_to_centre(found, (40, 40)) == points[0]).all()
