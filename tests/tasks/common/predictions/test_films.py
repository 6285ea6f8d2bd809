"""Films: frames out of them, and what is found in each."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from backbone.errors import InputError
from tasks.common.images.finding import find_photos
from tasks.common.predictions.film_files import Film, FilmWriter
from tests.commands import Finished, run_inside
from tests.photo_files import write_photos
from tests.small_data import refuses, write_weights
from tests.tasks.classification.classifiers import write_classifier

RATE, LENGTH, SIDES = 5, 7, (48, 36)
LEVELS = [20 + 30 * number for number in range(LENGTH)]  # each frame is of one grey


def write_film(path: Path, *, length: int = LENGTH) -> Path:
    writer = FilmWriter(path, rate=RATE)
    for level in LEVELS[:length]:
        writer.add(np.full((SIDES[1], SIDES[0], 3), level, np.uint8))
    writer.close()
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    return frames


@pytest.mark.parametrize("every", [1, 2, 3, 50])
def test_frames_come_with_their_number_and_time(tmp_path: Path, every: int):
    film = Film(str(write_film(tmp_path / "a.mp4")))
    assert (film.rate, film.length) == (RATE, LENGTH)
    frames = list(film.frames(every=every))
    assert [frame.number for frame in frames] == list(range(0, LENGTH, every))
    for frame in frames:
        assert frame.seconds == pytest.approx(frame.number / RATE, abs=1e-3)
        assert np.abs(frame.pixels.astype(int) - LEVELS[frame.number]).mean() < 4


def test_sides_that_are_odd_are_written(tmp_path: Path):
    writer = FilmWriter(tmp_path / "in" / "a.mp4", rate=RATE)
    for _ in range(3):
        writer.add(np.full((35, 47, 3), (255, 0, 0), np.uint8))
    writer.close()
    frames = frames_of(tmp_path / "in" / "a.mp4")
    assert [frame.shape for frame in frames] == [(36, 48, 3)] * 3
    assert np.abs(frames[0].mean((0, 1)) - [0, 0, 255]).max() < 8  # RGB was given, BGR is read


@pytest.mark.parametrize(("content", "name"), [(b"no film", "a.mp4"), (b"", "b.avi")])
def test_what_is_no_film_is_named(tmp_path: Path, content: bytes, name: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} cannot be opened as a film.*ffmpeg"):
        Film(str(tmp_path / name))


@pytest.mark.parametrize("name", ["0", "7", "rtsp://10.0.0.1/live", "http://host/a.mp4"])
def test_cameras_and_streams_are_no_files(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_photos(name, films=True).films == [name]
    with pytest.raises(InputError, match="No file or folder at"):
        find_photos(name)
    write_photos(tmp_path / "7", ["a.png"])
    assert bool(find_photos("7", films=True).films) is False


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_weights(tmp_path / "detector.safetensors")
    write_classifier(tmp_path / "classifier.safetensors")
    write_film(tmp_path / "mixed" / "b.mp4")
    write_film(tmp_path / "mixed" / "in" / "b.avi.mp4", length=3)
    write_photos(tmp_path / "mixed", ["a.png"])
    return tmp_path


NETWORKS = {"detector": "ssd_coco", "classifier": "imagenet"}


def look(place: Path, network: str, *settings: str) -> Finished:
    given = (f"task={NETWORKS[network]}", f"init={network}.safetensors", "data.num_workers=0")
    return run_inside("predict", *given, "data.batch_size=2", *settings, cwd=place)


def lines(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place / "found/predictions.jsonl").open()]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("network", NETWORKS)
def test_each_frame_has_an_entry_and_is_drawn(place: Path, network: str, precision: str):
    given = ("input=mixed/b.mp4", "output=found", "every=2", f"trainer.precision={precision}")
    done = look(place, network, *given, "min_score=0")
    assert done.returncode == 0, done.stderr
    entries = lines(place)
    assert [entry["frame"] for entry in entries] == [0, 2, 4, 6]
    assert [entry["seconds"] for entry in entries] == [0.0, 0.4, 0.8, 1.2]
    key = {"detector": "detections", "classifier": "classes"}[network]
    for entry in entries:
        assert (entry["file"], entry["width"], entry["height"]) == ("mixed/b.mp4", *SIDES)
        assert entry["picture"] == "films/00000_b.mp4" and entry[key]
    film = cv2.VideoCapture(str(place / "found" / "films" / "00000_b.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 4 and film.get(cv2.CAP_PROP_FPS) == 2.5


def test_a_folder_of_photos_and_films(place: Path):
    done = look(place, "classifier", "input=mixed", "output=found", "pictures=null")
    assert done.returncode == 0, done.stderr
    assert [(entry["file"], entry.get("frame")) for entry in lines(place)] == [
        ("mixed/a.png", None),
        *(("mixed/b.mp4", number) for number in range(LENGTH)),
        *(("mixed/in/b.avi.mp4", number) for number in range(3)),
    ]
    assert "11 photos and frames done" in done.stdout and not (place / "found/films").exists()
    again = look(place, "classifier", "input=mixed", "output=found", "skip_existing=true")
    assert again.returncode == 2 and "mixed/b.mp4 is a film" in again.stderr


def test_a_camera_that_is_not_there_is_named(place: Path):
    done = look(place, "classifier", "input=97", "output=found")
    refuses(done, "97 cannot be opened as a camera", folder=place / "found")


def test_following_names_what_it_needs(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "trackers", None)
    done = look(place, "detector", "input=mixed/b.mp4", "output=found", "track=true")
    assert done.returncode == 2 and "pip install --no-deps trackers" in done.stderr


class Follower:
    """Stands for ByteTrack: knows the surest box only, the second time it comes."""

    def __init__(self, *, frame_rate: float) -> None:
        assert frame_rate == RATE
        self.frames = 0

    def update(self, found: Any) -> Any:
        self.frames += 1
        order = np.argsort(-found.confidence)[:2]
        numbers = np.array([7 if self.frames > 1 else -1, -1])[: len(order)]
        return SimpleNamespace(tracker_id=numbers, data={"row": found.data["row"][order]})


def test_a_thing_has_its_number_in_every_frame(place: Path, monkeypatch: pytest.MonkeyPatch):
    trackers = ModuleType("trackers")
    trackers.ByteTrackTracker = Follower  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trackers", trackers)
    done = look(place, "detector", "input=mixed/b.mp4", "output=found", "track=true")
    assert done.returncode == 0, done.stderr
    for entry in lines(place):
        followed = [row for row in entry["detections"] if "track" in row]
        assert len(followed) == (entry["frame"] > 0)
        if followed:
            assert followed[0]["track"] == 7
            assert followed[0]["score"] == max(row["score"] for row in entry["detections"])
    refused = look(place, "classifier", "input=mixed/b.mp4", "output=again", "track=true")
    assert refused.returncode == 2 and "only what is found in boxes" in refused.stderr
