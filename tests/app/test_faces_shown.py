"""Every face of a photo, with what a network says of it and whom it is like."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.api import load, predict
from tasks.app.answers import Answers
from tasks.app.models import Models
from tasks.app.takeaway import NO_COMMAND
from tasks.common.images.decoding import read_image
from tasks.common.predictions.network import Network
from tasks.common.showing.view import Limits
from tasks.face_embedding.recognition import known_people, name_faces
from tasks.faces.alignment import show, square_of
from tasks.faces.faces_view import FacesView
from tasks.faces.mtcnn import MtcnnFinder
from tests.app.small_page import FAR, difference, file_in, pictures, rows, upload, written_networks
from tests.tasks.face_embedding.drawn import FOUND, photo_of

TASKS = ("face_attributes", "facenet_distill", "multitask_faces")
KNOWN = ("ann", "bob")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks, a photo of two people, and photos of each."""
    folder = tmp_path_factory.mktemp("faces")
    written_networks(folder / "weights", *TASKS)
    both = Image.new("RGB", (320, 160))
    for place, person in enumerate(KNOWN):
        both.paste(photo_of(FOUND[person], 4), (160 * place, 0))
        (folder / "known" / person).mkdir(parents=True)
        photo_of(FOUND[person]).save(folder / "known" / person / "1.png")
    both.save(folder / "both.png")
    (folder / "uploads").mkdir()
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> Answers:
    return Answers(Models([folder / "weights"], []), folder / "uploads")


def name_of(task: str, folder: Path) -> str:
    return str(folder / "weights" / f"{task}.safetensors")


def uploads(folder: Path) -> tuple[list[str], list[str]]:
    """The photo of two, and those of the people who are known."""
    known = [
        upload(folder / "known" / name / "1.png", f"{name}.png", folder / "uploads")
        for name in KNOWN
    ]
    return [upload(folder / "both.png", "both.png", folder / "uploads")], known


def faces_in(page: str) -> list[dict]:
    (entry,) = json.loads(file_in(page, "predictions.json"))
    assert (entry["file"], entry["width"], entry["height"]) == ("both.png", 320, 160)
    faces: list[dict] = entry["faces"]
    return faces


def test_points_of_faces_are_those_of_the_command(folder: Path, answers: Answers) -> None:
    name = name_of("facenet_distill", folder)
    answer = answers.look(name, uploads(folder)[0], [])
    given = {"data.every_face": True, "pictures": None}
    (said,) = predict(
        *("task=facenet_distill", f"init={name}"),
        input=folder / "both.png",
        output=folder / "all",
        **given,
    )
    assert answer.title == "Faces" and answer.command.endswith("data.every_face=true")
    ours = faces_in(answer.html)
    assert len(ours) == len(said["faces"]) == 2
    for own, theirs in zip(ours, said["faces"], strict=True):
        assert np.array(own["face"]) == pytest.approx(np.array(theirs["face"]), abs=0.02)
        assert own["embedding"] == pytest.approx(theirs["embedding"], abs=2e-3)


def test_faces_are_named_as_far_as_the_slider_allows(
    folder: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = name_of("facenet_distill", folder)
    answer = answers.look(name, *uploads(folder))
    assert answer.bound.start == 0.3 and answer.bound.label.endswith("fitted to this network")
    task = load(name).network.task  # type: ignore[attr-defined]
    people = known_people(task, folder / "known", alignment="mtcnn", cache=folder / "cache")
    monkeypatch.setattr(Network, "describe", None)
    monkeypatch.setattr(FacesView, "entries", None)
    for bound in (0.0, 0.3, 4.0):
        page, command = answers.again(answer.key, Limits(bound))
        faces = faces_in(page)
        points = torch.tensor([face["embedding"] for face in faces])
        named = name_faces(points, people.names, people.centres, max_distance=bound)
        assert [face["name"] for face in faces] == [one["name"] for one in named]
        distances = [one["distance"] for one in named]
        assert [face["distance"] for face in faces] == pytest.approx(distances, abs=1e-3)
        said = [
            f"{one['name'] or 'nobody known'} {face['distance']:.2f}"
            for one, face in zip(named, faces, strict=True)
        ]
        assert [row["says"] for row in rows(page)] == said
        assert command == NO_COMMAND  # for weights of no run
    assert {face["name"] for face in faces} <= set(KNOWN) and faces[0]["name"]


def test_attributes_are_what_the_network_says_of_each_face(folder: Path, answers: Answers) -> None:
    name = name_of("face_attributes", folder)
    answer = answers.look(name, uploads(folder)[0], [])
    model = load(name)
    pixels = read_image(folder / "both.png").pixels
    faces = faces_in(answer.html)
    assert len(faces) == 2
    for face in faces:
        frame = square_of(np.array(face["face"]))
        said = model(Image.fromarray(show(pixels, frame, 96)))["attributes"]
        assert {row["name"]: row["score"] for row in face["attributes"]} == pytest.approx(
            {row["name"]: row["score"] for row in said}, abs=5e-3
        )
    page, _ = answers.again(answer.key, Limits(0.505))
    for row, face in zip(rows(page), faces, strict=True):
        likely = [
            f"{one['name']} {one['score']:.0%}"
            for one in face["attributes"]
            if one["score"] >= 0.505
        ]
        assert row["says"] == ", ".join(likely)
    nothing, _ = answers.again(answer.key, Limits(1.0))
    assert [row["says"] for row in rows(nothing)] == ["", ""]
    assert difference(pictures(page)[0], pictures(nothing)[0]) > 0.3
    plain = np.asarray(Image.fromarray(pixels).resize(pictures(page)[0].shape[1::-1]))
    assert difference(pictures(nothing)[0], plain) > FAR / 2  # the squares are drawn


def test_several_heads_see_each_face_once(
    folder: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = name_of("multitask_faces", folder)
    network = answers.models.load(name).network
    found: list[int] = []
    find = MtcnnFinder.find

    def counting(finder: MtcnnFinder, photos: list[np.ndarray]) -> list:
        found.append(len(photos))
        return find(finder, photos)

    monkeypatch.setattr(MtcnnFinder, "find", counting)
    passes: list[int] = []
    network.task.backbone.register_forward_hook(  # type: ignore[attr-defined]
        lambda layer, given, features: passes.append(len(given[0]))
    )
    answer = answers.look(name, uploads(folder)[0], [])
    faces = faces_in(answer.html)
    assert found == [1] and passes == [2]  # both faces in one pass
    assert all({"face", "attributes", "embedding"} <= face.keys() for face in faces)
    alone = load(name)
    pixels = read_image(folder / "both.png").pixels
    side = alone.network.config.data.image_size
    views = np.stack([show(pixels, square_of(np.array(face["face"])), side) for face in faces])
    said = alone.network.describe(views, np.tile(np.eye(2, 3), (2, 1, 1)))
    for face, theirs in zip(faces, said, strict=True):
        assert face["embedding"] == pytest.approx(theirs["embedding"], abs=5e-3)
        assert {one["name"]: one["score"] for one in face["attributes"]} == pytest.approx(
            {one["name"]: one["score"] for one in theirs["attributes"]}, abs=5e-3
        )
