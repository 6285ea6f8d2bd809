"""Sheets that say who was taken for whom."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.face_embedding import matches
from tasks.face_embedding.matches import alike, matches_sheet, recognised
from tasks.face_embedding.pairs import Pairs

PEOPLE = ["ann", "bob", "cid", "dot", "eve", "fay"]  # cid and fay are strangers
GREYS = dict(zip(PEOPLE, range(30, 210, 30), strict=True))


def points_of(places: dict[str, list[float]]) -> tuple[np.ndarray, list[str]]:
    """One number for each photo, on a line."""
    names = [person for person, own in places.items() for _ in own]
    return np.array([[place] for own in places.values() for place in own]), names


def test_known_people_are_right_by_their_own_photo_and_strangers_by_none() -> None:
    """By who is asked for: found, taken for another, taken for somebody, missed, alone, refused."""
    points, names = points_of(
        {
            "ann": [0.0, 0.1],
            "bob": [5.0, 0.2],  # looks like ann
            "cid": [9.0, 20.1],  # a stranger who looks like dot
            "dot": [20.0, 23.0],  # too far from her own
            "one": [30.0],
            "eve": [40.0, 40.0],
            "fay": [50.0, 60.0],
        }
    )
    found = recognised(points, names, threshold=1.0)
    people = [(names[match.face], names[match.nearest]) for match in found]
    assert people == [
        ("ann", "ann"),
        ("bob", "ann"),
        ("cid", "dot"),
        ("dot", "dot"),
        ("eve", "eve"),
        ("fay", "eve"),
    ]
    assert [match.face for match in found] == [1, 3, 5, 7, 10, 12]  # each one's second photo
    assert [match.known for match in found] == [True, True, False, True, True, False]
    assert [match.same for match in found] == [True, True, True, False, True, False]
    assert [match.right for match in found] == [True, False, False, False, True, True]
    assert [match.distance for match in found] == pytest.approx([0.01, 0.04, 0.01, 9, 0, 400])


def test_without_names_faces_that_are_each_others_nearest_come_once() -> None:
    found = alike(np.array([[0.0], [1.0], [9.0], [9.5], [11.0]]))
    assert [(match.face, match.nearest) for match in found] == [(0, 1), (2, 3), (4, 3)]
    assert {match.right for match in found} == {None}
    assert alike(np.zeros((1, 3))) == []


@pytest.fixture
def faces(tmp_path: Path) -> tuple[list[dict[str, Any]], Pairs]:
    """Two photos of each, in a grey of its own; eve's second one looks like ann's."""
    entries, names = [], []
    for number, person in enumerate(PEOPLE):
        for photo in (1, 2):
            path = tmp_path / f"{person}_{photo}.png"
            Image.new("RGB", (50, 50), (GREYS[person],) * 3).save(path)
            place = 0.1 if path.stem == "eve_2" else 10.0 * number
            square = [[0, 0], [49, 0], [49, 49], [0, 49]]
            entries.append({"file": str(path), "face": square, "embedding": [place]})
            names.append(person)
    same = [[2 * number, 2 * number + 1] for number in range(4)]
    pairs = Pairs(
        file=tmp_path / "pairs.txt",
        paths=[Path(entry["file"]) for entry in entries],
        names=names,
        photos=np.array([*same, *([first, first + 2] for first in range(0, 8, 2))]),
        same=np.array([True] * 4 + [False] * 4),
        fold=np.zeros(8, np.int64),
    )
    return entries, pairs


def test_a_sheet_shows_each_face_beside_the_nearest_known_one(
    faces: tuple[list[dict[str, Any]], Pairs], monkeypatch: pytest.MonkeyPatch
) -> None:
    entries, pairs = faces
    tiles: list[np.ndarray] = []
    titles: list[str] = []
    said: list[str] = []
    whole_sheet, band = matches.contact_sheet, matches._band

    def sheet(pictures: list[np.ndarray], *, title: str) -> np.ndarray:
        tiles.extend(pictures)
        titles.append(title)
        return whole_sheet(pictures, title=title)

    def spoken(text: str, *place: Any) -> np.ndarray:
        said.append(text)
        return band(text, *place)

    monkeypatch.setattr(matches, "contact_sheet", sheet)
    monkeypatch.setattr(matches, "_band", spoken)
    drawn = matches_sheet(entries[::-1], pairs)  # in any order
    assert drawn is not None
    assert "Of 6 people, 4 are known" in titles[0] and "5 of 6 are right" in titles[0]
    shown = [tuple(int(tile[100, column, 0]) for column in (100, -100)) for tile in tiles]
    # cid is nearest to bob as well as to dot, fay to dot and to eve, whose own photo is not hers
    nearest = ["ann", "bob", "bob", "dot", "ann", "eve"]
    assert shown == [
        (GREYS[person], GREYS[other]) for person, other in zip(PEOPLE, nearest, strict=True)
    ]
    verdicts = [text for text in said if text[0] in "✓✗"]
    assert [text[0] for text in verdicts] == ["✓", "✓", "✓", "✓", "✗", "✓"]
    assert verdicts[0] == "✓ same person, 0.00" and verdicts[2] == "✓ a stranger, 100.00"
    assert "cid, a stranger" in said
    heads = [tile[5, -5] for tile in tiles]
    assert [int(head.argmax()) for head in heads] == [1, 1, 1, 1, 0, 1]  # green, and red for eve


def test_without_all_photos_of_the_pairs_nobody_is_said_to_be_right(
    faces: tuple[list[dict[str, Any]], Pairs],
) -> None:
    entries, pairs = faces
    some = matches_sheet(entries[1:], pairs)
    unnamed = matches_sheet(entries[1:], None)
    assert some is not None and unnamed is not None and (some == unnamed).all()


def test_a_sheet_of_photos_without_names_gives_files_and_distances(
    faces: tuple[list[dict[str, Any]], Pairs],
) -> None:
    entries, _ = faces
    assert matches_sheet(entries[:1], None) is None
    sheet = matches_sheet(entries[:4], None)
    assert sheet is not None and (sheet == GREYS["ann"]).all(axis=2).mean() > 0.2
