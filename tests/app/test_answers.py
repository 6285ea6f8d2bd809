"""What the page shows of a photo is what the suite's own functions say of it."""

import csv
import io
import json
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.api import load, predict
from tasks.app.answers import Answers, person
from tasks.app.models import Models
from tasks.common.images.decoding import read_image
from tasks.common.predictions.trained import TrainedNetwork
from tasks.common.showing.view import Limits
from tests.app.small_page import (
    CLOSE,
    bars,
    difference,
    file_in,
    pictures,
    rows,
    upload,
    written_networks,
)
from tests.commands import run_inside
from tests.small_data import noise

TITLES = {"ssd_coco": "Detect", "imagenet": "Classify", "planet": "Place"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    written_networks(folder / "weights", *TITLES)
    noise(200, 140).save(folder / "photo.png")
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> Answers:
    (folder / "uploads").mkdir()
    return Answers(Models([folder / "weights"], []), folder / "uploads")


def name_of(task: str, folder: Path) -> str:
    return str(folder / "weights" / f"{task}.safetensors")


def uploaded(folder: Path) -> str:
    return upload(folder / "photo.png", "photo.png", folder / "uploads")


@pytest.mark.parametrize("task", TITLES)
def test_a_tab_shows_what_the_network_says(task: str, folder: Path, answers: Answers) -> None:
    answer = answers.look(name_of(task, folder), [uploaded(folder)], [])
    assert answer.title == TITLES[task]
    model = load(name_of(task, folder))
    if task == "imagenet":
        assert isinstance(model.network, TrainedNetwork)
        model.network.task.heat_maps = True
    (said,) = model([folder / "photo.png"])
    entry = {**said, "file": "photo.png"}
    listed = {key: value for key, value in entry.items() if isinstance(value, list)}
    least = answer.bound.start
    kept = entry | {
        key: [row for row in value if not isinstance(row, dict) or row["score"] >= least]
        for key, value in listed.items()
    }
    assert json.loads(file_in(answer.html, "predictions.json")) == [kept]
    image = read_image(folder / "photo.png")
    (picture,) = pictures(answer.html)
    drawn = model.network.described.draw(image.pixels, kept, size=image.size)
    assert difference(picture, drawn) < CLOSE
    things = next(iter(kept[key] for key in ("detections", "classes", "cells") if key in kept))
    assert things and [row["name"] for row in rows(answer.html)] == [row["name"] for row in things]
    assert [float(row["score"]) for row in rows(answer.html)] == pytest.approx(
        [row["score"] for row in things], rel=1e-3
    )
    shares = {row["name"]: f"{row['score']:.1%}" for row in kept.get("classes", [])}
    assert bars(answer.html) == shares


@pytest.mark.parametrize("task", TITLES)
def test_the_command_writes_the_same_files(
    task: str, folder: Path, answers: Answers, tmp_path: Path
) -> None:
    answer = answers.look(name_of(task, folder), [uploaded(folder)], [])
    python, tool, *settings = shlex.split(answer.command)
    assert (python, tool) == ("python", "tools/predict.py")
    assert any("photo.png" in setting for setting in settings)
    for written in ("json", "csv"):
        given = (*settings, f"output={tmp_path / written}", f"format={written}", "pictures=null")
        done = run_inside("predict", *given, cwd=folder)
        assert done.returncode == 0, done.stderr
    theirs = json.loads((tmp_path / "json" / "predictions.json").read_text())
    ours = json.loads(file_in(answer.html, "predictions.json"))
    assert [{**entry, "file": "photo.png"} for entry in theirs] == ours
    table = (tmp_path / "csv" / "predictions.csv").read_text(encoding="utf-8-sig")
    own = file_in(answer.html, "predictions.csv").decode("utf-8-sig")
    expected, found = (list(csv.DictReader(io.StringIO(text))) for text in (table, own))
    assert [{**row, "file": "photo.png"} for row in expected] == found


def test_a_slider_and_a_filter_need_no_second_look(
    folder: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = answers.look(name_of("ssd_coco", folder), [uploaded(folder)], [])
    model = load(name_of("ssd_coco", folder))
    (said,) = model([folder / "photo.png"])
    monkeypatch.setattr(TrainedNetwork, "look_at", None)
    scores = sorted(row["score"] for row in said["detections"])
    middle = round(float(np.median(scores)), 2)
    for least, classes in ((0.0, []), (middle, []), (middle, ["square"]), (1.0, [])):
        page, command = answers.again(answer.key, Limits(least, classes))
        expected = [
            row
            for row in said["detections"]
            if row["score"] >= least and (not classes or row["name"] in classes)
        ]
        assert json.loads(file_in(page, "predictions.json"))[0]["detections"] == expected
        assert len(rows(page)) == len(expected)
        image = read_image(folder / "photo.png")
        drawn = model.network.described.draw(image.pixels, {"detections": expected})
        assert difference(pictures(page)[0], drawn) < CLOSE
        assert f"min_score={least:g}" in command and ("classes=[square]" in command) == bool(
            classes
        )
    assert difference(pictures(page)[0], pictures(answer.html)[0]) > CLOSE
    with pytest.raises(InputError, match="no longer kept here: look again"):
        answers.again("another", Limits(0))


def test_several_photos_and_a_film(folder: Path, answers: Answers, tmp_path: Path) -> None:
    frames = [np.full((60, 80, 3), 10 * number, np.uint8) for number in range(20)]
    film = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (80, 60)
    )
    for frame in frames:
        film.write(frame)
    film.release()
    name, uploads = name_of("imagenet", folder), folder / "uploads"
    paths = [uploaded(folder), upload(noise(50, 70), "other.jpg", uploads)]
    several = answers.look(name, paths, [])
    entries = json.loads(file_in(several.html, "predictions.json"))
    assert [entry["file"] for entry in entries] == ["photo.png", "other.jpg"]
    assert len(pictures(several.html)) == 2 and "input=photos output=found" in several.command
    answer = answers.look(name, [upload(tmp_path / "clip.avi", "clip.avi", uploads)], [])
    assert answer.command.endswith("every=2")
    said = predict(
        task="imagenet", init=name, input=tmp_path / "clip.avi", output=tmp_path / "out", every=2
    )
    ours = json.loads(file_in(answer.html, "predictions.json"))
    assert len(ours) == len(said) == 10
    for own, theirs in zip(ours, said, strict=True):
        assert own["classes"] == theirs["classes"] and own["seconds"] == theirs["seconds"]
        assert own["frame"] == theirs["frame"] and own["file"] == "clip.avi"
    assert "clip.avi at 0.4 s" in answer.html


def test_names_are_shown_as_they_are(folder: Path, answers: Answers) -> None:
    name = "<b onclick=x>&.png"
    page = answers.look(
        name_of("imagenet", folder), [upload(noise(), name, folder / "uploads")], []
    ).html
    assert "<b onclick" not in page and "&lt;b onclick=x&gt;&amp;.png" in page


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "a.svg is "),
        (b"just text", "text.jpg", "text.jpg is not an image: it begins with the text 'just text'"),
        (b"", "empty.png", "empty.png is empty"),
        (b"no film", "clip.mp4", "clip.mp4 cannot be opened as a film"),
        (b"x" * (20 * 2**20 + 1), "large.png", "large.png has 20 MB, and 20 are allowed"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(
    content: bytes, name: str, said: str, folder: Path, answers: Answers
) -> None:
    file = folder / "uploads" / "one" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        answers.look(name_of("imagenet", folder), [str(file)], [])
    assert str(error.value).startswith(said) and str(folder) not in str(error.value)
    assert not file.exists()


def test_too_many_pixels_are_refused_before_they_are_read(folder: Path, answers: Answers) -> None:
    file = folder / "uploads" / "huge.png"
    Image.new("1", (20_000, 20_000)).save(file)
    with pytest.raises(InputError, match="400 megapixels; the limit is 100"):
        answers.look(name_of("imagenet", folder), [str(file)], [])


def test_nothing_is_kept_on_the_disk(folder: Path, answers: Answers) -> None:
    path = uploaded(folder)
    first = answers.look(name_of("imagenet", folder), [path], [])
    assert list((folder / "uploads").rglob("*.png")) == []
    again = answers.look(name_of("imagenet", folder), [path], [])  # from memory
    assert again.html == first.html
    with pytest.raises(InputError, match="no longer kept here: put it in again"):
        answers.look(name_of("imagenet", folder), [str(folder / "photo.png")], [])
    assert (folder / "photo.png").is_file()  # which lies elsewhere


@pytest.mark.parametrize(
    ("name", "paths", "said"),
    [
        ("nowhere.ckpt", 1, r"model=nowhere\.ckpt: choose one of the list"),
        ("imagenet", 0, "There is no photo yet"),
        ("imagenet", 13, "13 files, and 12 at once are shown here"),
    ],
)
def test_what_is_asked_for_must_be_there(
    name: str, paths: int, said: str, folder: Path, answers: Answers
) -> None:
    name = name_of(name, folder) if name == "imagenet" else name
    with pytest.raises(InputError, match=said):
        answers.look(name, [uploaded(folder)] * paths, [])


@pytest.mark.parametrize(("file", "name"), [("ann 2.jpg", "ann"), ("7.png", "7")])
def test_photos_are_called_by_names_of_people(file: str, name: str) -> None:
    assert person(file) == name
