"""The commands on photos without a face, with half of one, and on files that are no photos."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.face_embedding.faces import find_faces
from tasks.faces.alignment import corners
from tests.commands import ROOT, run_inside
from tests.small_data import noise, refuses
from tests.tasks.face_embedding.drawn import FOUND, NEVER_FOUND, RUN, photo_of, write_people


def write_bad(folder: Path) -> None:
    """A photo cut short, a web page, one of 400 megapixels, and one without a face."""
    photo_of(0).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-200])
    (folder / "page.jpg").write_text("<!DOCTYPE html><html>Too many downloads</html>")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    photo_of(NEVER_FOUND).save(folder / "faceless.png")
    photo_of(NEVER_FOUND).save(folder / os.fsdecode(b"caf\xe9.png"))  # no UTF-8


def test_training_leaves_bad_photos_out_and_counts_them(tmp_path: Path) -> None:
    write_bad(write_people(tmp_path) / "people" / "ann")
    done = run_inside("train", *RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "train: 12 faces of 3 folders" in done.stdout
    assert "3 photos skipped\n" in done.stdout
    assert "2 photos skipped, no face found" in done.stdout
    assert "4 of 4 photos of the pairs are trained on too, so that figures flatter" in done.stdout
    report = (tmp_path / "run" / "report.txt").read_text()
    for name in ("cut.jpg", "page.jpg", "huge.png", "faceless.png", "caf\\udce9.png"):
        assert f"ann/{name}" in report

    refused = run_inside("train", *RUN, "data.on_bad_image=error", "run_dir=other", cwd=tmp_path)
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert "3 of 17 photos cannot be used" in refused.stderr


def test_large_photos_are_searched_small(tmp_path: Path) -> None:
    """A process of its own, since a peak of memory outlasts what caused it."""
    (tmp_path / "photos").mkdir()
    for number in range(16):  # 20 megapixels and 60 megabytes each, in different files
        photo = Image.new("1", (5000, 4000))
        photo.putpixel((number, 0), 1)
        photo.save(tmp_path / "photos" / f"{number}.png")
    code = (
        "import resource; from pathlib import Path\n"
        "from tasks.faces.landmarks import find_landmarks\n"
        "from tasks.faces.mtcnn import MtcnnFinder\n"
        "MtcnnFinder(); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "find_landmarks(sorted(Path('photos').iterdir()), alignment='mtcnn', cache=Path('cache'))\n"
        "print('grown', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    grown = re.search(r"grown (\d+)", done.stdout)
    assert grown and int(grown[1]) < 700_000  # kilobytes; all at once are 1,200,000


def write_page(photo: Path) -> None:
    photo.write_text("<html></html>")


def write_huge(photo: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(photo)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (write_page, "bob_0001.png is not an image but an HTML page"),
        (write_huge, "bob_0001.png is 20000x20000, 400 megapixels; the limit is 100"),
        (Path.unlink, "pairs.txt, line 3: the pair 'bob 1 cid 2' needs people/bob/bob_0001.jpg"),
    ],
)
def test_photos_of_pairs_are_all_needed(
    damage: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    damage(write_people(tmp_path) / "people" / "bob" / "bob_0001.png")
    refuses(run_inside("train", *RUN, cwd=tmp_path), said, folder=tmp_path)


def test_a_pair_without_a_face_is_scored_by_its_middle_and_told(tmp_path: Path) -> None:
    photo_of(NEVER_FOUND).save(write_people(tmp_path) / "people" / "bob" / "bob_0001.png")
    done = run_inside("train", *RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "run" / "report.txt").read_text()
    assert "1 photo without a face, its middle is shown\n    people/bob/bob_0001.png" in report

    photos = tmp_path / "photos"
    photos.mkdir()
    write_bad(photos)
    photo_of(0).save(photos / "good.png")
    weights = "checkpoint=run/checkpoints/last.ckpt"
    done = run_inside("predict", weights, f"input={photos}", "output=found", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 of 6 photos done" in done.stdout and done.stdout.count("1 photo skipped") == 3
    entries = json.loads((tmp_path / "found" / "predictions.json").read_text())
    names = [Path(entry["file"]).name for entry in entries]
    assert names == ["caf\udce9.png", "faceless.png", "good.png"]
    assert entries[0]["face"][0] == [31.5, 31.5]  # 60% of the photo, from its middle
    assert np.linalg.norm(entries[2]["embedding"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("left", "top"), [(41, 0), (0, 39)])
def test_a_face_cut_by_the_photos_border_is_aligned_beyond_it(
    left: int, top: int, tmp_path: Path
) -> None:
    whole = photo_of(FOUND["bob"])
    whole.save(tmp_path / "a.png")
    whole.crop((left, top, *whole.size)).save(tmp_path / "b.png")
    noise().save(tmp_path / "c.png")
    faces = find_faces(
        sorted(tmp_path.glob("*.png")),
        alignment="mtcnn",
        cache=tmp_path / "cache",
        on_bad_image="error",
        needed=False,
    )
    assert len(faces) == 2
    inside, beyond = map(corners, faces.frames)
    assert beyond.min() < 0  # of the photo's pixels
    assert np.abs(beyond + np.array([left, top]) - inside).max() < 20  # the same face
