"""Who is taken for whom, as pictures: faces beside those that are nearest to them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from tasks.common.images.captions import SPACING, Colour, write_label
from tasks.common.images.decoding import read_image
from tasks.common.images.sheets import SHEET_PICTURES, contact_sheet, side_by_side, spread
from tasks.face_embedding.pairs import Pairs
from tasks.face_embedding.verification import best_threshold
from tasks.faces.alignment import show, square_of

RIGHT, WRONG, UNKNOWN = (20, 130, 60), (200, 30, 30), (70, 80, 95)
PAPER = (235, 235, 235)  # under names
FACE_PX, VERDICT_PX, NAME_PX = 240, 24, 18
STRANGERS = 3  # one person of so many is nobody known


class Match(NamedTuple):
    """A face and the nearest of those that are known.

    Attributes:
        face: Its place among the faces.
        nearest: Likewise.
        distance: Squared.
        same: Whether that is taken for the same person.
        right: Whether it is right so; None if nobody can say.
        known: Whether the face is of somebody known.
    """

    face: int
    nearest: int
    distance: float
    same: bool = False
    right: bool | None = None
    known: bool = False


def matches_sheet(entries: Sequence[Mapping[str, Any]], pairs: Pairs | None) -> np.ndarray | None:
    """Some faces, each beside the nearest one, with what that is taken for; None without any.

    Args:
        entries: As the task gives them, with the ``file`` of each.
        pairs: Say whose faces they are, if all of theirs are there; None if nobody does.
    """
    by_file = {Path(entry["file"]): entry for entry in entries}
    if pairs is None or not by_file.keys() >= set(pairs.paths):
        found = alike(_points(entries))
        title = (
            "Left of each two: a face. Right: the one of the other photos that is most like it, "
            "and the squared distance between them."
        )
        return _sheet(found, entries, names=None, title=title)
    entries = [by_file[path] for path in pairs.paths]
    points = _points(entries)
    threshold = best_threshold(_distances(*points[pairs.photos].swapaxes(0, 1)), pairs.same)
    found = recognised(points, pairs.names, threshold=threshold)
    known = sum(match.known for match in found)
    title = (
        f"Of {len(found)} people, {known} are known by one photo and {len(found) - known} are "
        "strangers. Left of each two: another photo of each. Right: the nearest one of those who "
        f"are known. A squared distance under {threshold:.2f} is taken for the same person: "
        f"{sum(bool(match.right) for match in found)} of {len(found)} are right."
    )
    return _sheet(found, entries, names=pairs.names, title=title)


def recognised(points: np.ndarray, people: Sequence[str], *, threshold: float) -> list[Match]:
    """Who is on the last photo of each of some people, if they are known by their first one.

    Every third of them is a stranger, whose photos are not among the known.

    Args:
        points: Embeddings, ``(N, D)``.
        people: Whose each is; those with a single photo are left out.
        threshold: Distances under it are of the same person.
    """
    photos: dict[str, list[int]] = {}
    for index, person in enumerate(people):
        photos.setdefault(person, []).append(index)
    several = [own for own in photos.values() if len(own) > 1]
    several = [several[index] for index in spread([""] * len(several), SHEET_PICTURES)]
    known = [own[0] for number, own in enumerate(several, 1) if number % STRANGERS]
    matches = []
    for own in several:
        distances = _distances(points[own[-1]], points[known])
        nearest, distance = known[int(distances.argmin())], float(distances.min())
        same, is_known = distance < threshold, own[0] in known
        right = same == is_known and (not same or nearest == own[0])
        matches.append(Match(own[-1], nearest, distance, same, right, is_known))
    return matches


def alike(points: np.ndarray) -> list[Match]:
    """The nearest other face of each of some, two that are each other's once; none of one alone.

    Args:
        points: Embeddings, ``(N, D)``.
    """
    matches: dict[frozenset[int], Match] = {}
    for face in spread([""] * len(points), SHEET_PICTURES) if len(points) > 1 else []:
        distances = _distances(points[face], points)
        distances[face] = np.inf
        match = Match(face, int(distances.argmin()), float(distances.min()))
        matches.setdefault(frozenset(match[:2]), match)
    return list(matches.values())


def _points(entries: Sequence[Mapping[str, Any]]) -> np.ndarray:
    return np.array([entry["embedding"] for entry in entries])


def _distances(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.asarray(np.square(ours - theirs).sum(-1))


def _sheet(
    matches: Sequence[Match],
    entries: Sequence[Mapping[str, Any]],
    *,
    names: Sequence[str] | None,
    title: str,
) -> np.ndarray | None:
    if not matches:
        return None
    tiles = []
    for match in matches:
        pair = [entries[index] for index in match[:2]]
        whose = [Path(entry["file"]).name for entry in pair]
        if names:
            whose = [names[index] for index in match[:2]]
            whose[0] += "" if match.known else ", a stranger"
        tiles.append(_tile(match, pair, whose))
    return contact_sheet(tiles, title=title)


def _tile(match: Match, pair: Sequence[Mapping[str, Any]], names: Sequence[str]) -> np.ndarray:
    """Both faces with their names, beneath what they are taken for."""
    verdict, colour = _verdict(match)
    faces = [
        np.concatenate([_face(entry), _band(name, FACE_PX, NAME_PX, PAPER)])
        for entry, name in zip(pair, names, strict=True)
    ]
    both = side_by_side(*faces)
    return np.concatenate([_band(verdict, both.shape[1], VERDICT_PX, colour), both])


def _verdict(match: Match) -> tuple[str, Colour]:
    if match.right is None:
        return f"distance {match.distance:.2f}", UNKNOWN
    said = "same person" if match.same else "a stranger"
    sign, colour = ("✓", RIGHT) if match.right else ("✗", WRONG)
    return f"{sign} {said}, {match.distance:.2f}", colour


def _band(text: str, width: int, height: int, colour: Colour) -> np.ndarray:
    band = Image.new("RGB", (width, round(SPACING * height)))
    write_label(ImageDraw.Draw(band), [text], (0, 0, *band.size), height, colour)
    return np.array(band)


def _face(entry: Mapping[str, Any]) -> np.ndarray:
    """The square that the network looked at."""
    square = square_of(np.array(entry["face"]))
    return show(read_image(Path(entry["file"])).pixels, square, FACE_PX)
