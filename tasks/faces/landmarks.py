"""The five points that faces are aligned by, searched for once in each photo."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.files.keyed_rows import KeyedRows, readable_keys
from tasks.common.images.decoding import read_image
from tasks.common.machine.steps import steps_of
from tasks.common.machine.workers import threads
from tasks.faces.finders import (
    MAX_SIDE,
    MTCNN,
    Finder,
    Found,
    finder_description,
    finder_of,
    nearest_to_centre,
    shrunk,
)

NUM_READ = 64  # photos in memory at a time
SHARD = 512  # photos between two writes

logger = logging.getLogger(__name__)


def find_landmarks(
    paths: Sequence[Path], *, alignment: str, cache: Path
) -> tuple[np.ndarray, dict[int, str]]:
    """Five points of the middle face of each photo, looked up or searched for.

    Args:
        paths: The photos.
        alignment: ``mtcnn``, or a file of YuNet's.
        cache: Folder of what was found before, by the content of the photo; what each file of
            YuNet's found lies in a folder of its own in there.

    Returns:
        Pixels of the photo, float32 ``(N, 5, 2)``, NaN where there is no face; and what is wrong
        with each photo that cannot be read.
    """
    points = np.full((len(paths), 5, 2), np.nan, np.float32)
    description = finder_description(alignment)
    folder = cache if alignment == MTCNN else cache / description["file"]
    rows = KeyedRows(folder, setting="data.cache")
    keys, bad = readable_keys(paths)
    places = rows.find(keys)
    there = np.ones(len(paths), bool)
    there[list(bad)] = False
    known = np.flatnonzero((places >= 0) & there)
    if len(known):
        rows.describe(description)
        points[known] = rows.values(places[known])
    wanted = np.flatnonzero((places < 0) & there)
    if not len(wanted):
        return points, bad
    finder = finder_of(alignment)
    rows.describe(description)
    shards = [wanted[start : start + SHARD] for start in range(0, len(wanted), SHARD)]
    for shard in steps_of(shards, "photos searched for faces", size=len):
        found = dict(_search([paths[index] for index in shard], finder, nearest_to_centre))
        good = [i for i, result in found.items() if not isinstance(result, str)]
        bad |= {int(shard[i]): str(found[i]) for i in found.keys() - set(good)}
        points[shard[good]] = np.array([found[i] for i in good]).reshape(-1, 5, 2)
        if good:
            rows.add(keys[shard[good]], points[shard[good]])
    return points, bad


def find_all_landmarks(
    paths: Sequence[Path], *, alignment: str
) -> tuple[list[np.ndarray], dict[int, str]]:
    """Five points of each face of each photo, searched for.

    Args:
        paths: The photos.
        alignment: ``mtcnn``, or a file of YuNet's.

    Returns:
        Pixels of the photo, float32 ``(F, 5, 2)`` each; and what is wrong with each photo that
        cannot be read.
    """
    points = [np.zeros((0, 5, 2), np.float32) for _ in paths]
    bad: dict[int, str] = {}
    finder = finder_of(alignment, every_face=True)
    shards = [range(start, len(paths))[:SHARD] for start in range(0, len(paths), SHARD)]
    for shard in steps_of(shards, "photos searched for faces", size=len):
        for index, found in _search([paths[i] for i in shard], finder, lambda all, _: all.points):
            if isinstance(found, str):
                bad[shard[index]] = found
            else:
                points[shard[index]] = found
    return points, bad


def _search(
    paths: Sequence[Path],
    finder: Finder,
    points_of: Callable[[Found, tuple[int, int]], np.ndarray],
) -> Iterator[tuple[int, np.ndarray | str]]:
    """Points of each photo, or why it cannot be read, a few photos in memory at a time.

    Args:
        paths: The photos.
        finder: Of faces.
        points_of: From the faces of a photo and its width and height to the points that are wanted.
    """
    with threads() as pool:
        for start in range(0, len(paths), NUM_READ):
            part = list(pool.map(_read, paths[start : start + NUM_READ]))
            photos = [photo for photo in part if not isinstance(photo, str)]
            found = iter(finder.find([photo.pixels for photo in photos]))
            for index, photo in enumerate(part, start):
                if isinstance(photo, str):
                    yield index, photo
                    continue
                points = points_of(next(found), photo.pixels.shape[1::-1])
                yield index, points * photo.size[0] / photo.pixels.shape[1]


def _read(path: Path) -> Any:
    """The photo at the side that is searched, so that large ones don't fill the memory."""
    try:
        photo = read_image(path, min_side=MAX_SIDE)
    except InputError as error:
        return str(error)
    return photo._replace(pixels=shrunk(photo.pixels)[0])
