"""Photos with any number of faces, through the real command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.faces.alignment import corners
from tasks.faces.photos import face_frames
from tests.commands import run_inside
from tests.small_data import noise
from tests.small_runs import SMALL_RUN

TINY = (*SMALL_RUN, "data.image_size=64", "pictures.count=0")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attributes")
    settings = (*TINY, "task=face_attributes", f"run_dir={folder}")
    done = run_inside("train", *settings, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize(("alignment", "faces"), [("none", 1), ("mtcnn", 0)])
def test_every_photo_is_there_and_every_face_described(
    checkpoint: Path, alignment: str, faces: int, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    noise(90, 90).save(tmp_path / "photos" / "noise.png")
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"none")
    command = ("demo_face_attributes", f"checkpoint={checkpoint}", "input=photos", "output=found")
    done = run_inside(*command, f"alignment={alignment}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"1 photos, {faces} faces" in done.stdout and "bad.jpg is not an image" in done.stdout
    (entry,) = json.loads((tmp_path / "found" / "predictions.json").read_text())
    assert entry["file"] == "photos/noise.png" and len(entry["faces"]) == faces
    for face in entry["faces"]:
        assert np.array(face["face"]).shape == (4, 2) and len(face["attributes"]) == 6
    with Image.open(tmp_path / "found" / "pictures" / "00001_noise.jpg") as picture:
        assert picture.size == (480, 480)  # enlarged, so that text is to be read
    refused = run_inside(*command, "framing.scale=0.5", cwd=tmp_path)
    assert refused.returncode == 2 and "output=found holds results already" in refused.stderr
    assert json.loads((tmp_path / "found" / "predictions.json").read_text()) == [entry]


def test_a_frame_is_made_narrower_around_a_place_below_its_middle() -> None:
    class Finder:
        def find(self, _photos: list[np.ndarray]) -> list["Finder"]:
            return [self]

        # the template's own points, in a photo that shows it 10 pixels to the right
        points = np.array(
            [[[48.2946, 51.6963], [83.5318, 51.5014], [66.0252, 71.7366],
              [51.5493, 92.3655], [80.7299, 92.2041]]]
        )  # fmt: skip

    frames = face_frames(np.zeros((9, 9, 3), np.uint8), Finder(), scale=0.5, shift=0.25)  # type: ignore[arg-type]
    expected = np.array([[38, 56], [94, 56], [94, 112], [38, 112]]) - 0.5
    np.testing.assert_allclose(corners(frames[0]), expected, atol=1e-3)
