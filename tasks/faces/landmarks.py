"""Finds faces and the five points that they are aligned by, once for each photo."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from backbone.errors import InputError
from tasks.common.files.keyed_rows import KeyedRows, readable_keys
from tasks.common.images.decoding import read_image
from tasks.common.machine.workers import threads
from tasks.common.training.steps import steps_of

MAX_SIDE = 320  # short side of the photo that is searched; more finds no more of the faces we want
MIN_FACE_PX = 20  # of the network's smallest window in the photo that is searched
# Faces of so much of the short side, at least, are searched for; the next only where none is found.
FACE_SHARES = (0.3, 0.1)
SMALLEST_FACE = 0.04  # where all are wanted, since a photo of many people shows small ones
NUM_AT_ONCE = 16  # photos of one size; more are slower on a processor's caches
SHARD = 512  # photos between two writes

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """The faces of a photo, in its own pixels.

    Attributes:
        boxes: ``xyxy``, ``(F, 4)``.
        points: Eyes, nose and corners of the mouth, each pair left first as seen, ``(F, 5, 2)``.
        scores: ``(F,)``.
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray


def finder_description() -> dict[str, Any]:
    """What the points of a face depend on, for caches and checkpoints."""
    return {
        "finder": "facenet-pytorch 2.5.3 MTCNN",
        "face_shares": list(FACE_SHARES),
        "max_side": MAX_SIDE,
    }


class FaceFinder:
    """MTCNN (Zhang et al. 2016), whose weights come with facenet-pytorch.

    Args:
        face_shares: Faces at least this share of the photo's short side are searched for; each
            further share only where those before it found nothing.

    Raises:
        InputError: If facenet-pytorch is not installed.
    """

    def __init__(self, face_shares: Sequence[float] = FACE_SHARES) -> None:
        try:
            import torch
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise InputError(
                "Alignment needs facenet-pytorch: pip install -e '.[faces]'. "
                "data.alignment=none goes without"
            ) from error
        self.face_shares = face_shares
        # channels last, since pooling takes half of the time otherwise
        self.network = MTCNN(keep_all=True).to(memory_format=torch.channels_last)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network.device = self.device
        self.network.to(self.device)

    def find(self, photos: Sequence[np.ndarray]) -> list[Found]:
        """All faces in each photo, RGB, uint8, of any sizes."""
        found: dict[int, Found] = {}
        shrunk = [_shrunk(photo) for photo in photos]
        for share in self.face_shares:
            groups = defaultdict(list)
            for index, (photo, _) in enumerate(shrunk):
                if index not in found and min(photo.shape[:2]) >= MIN_FACE_PX:
                    groups[photo.shape].append(index)
            for indices in groups.values():
                for start in range(0, len(indices), NUM_AT_ONCE):
                    part = indices[start : start + NUM_AT_ONCE]
                    faces = self._find_at([shrunk[index][0] for index in part], share)
                    found |= {i: face for i, face in zip(part, faces, strict=True) if face}
        nothing = Found(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
        results = [found.get(index, nothing) for index in range(len(photos))]
        return [
            Found(face.boxes / scale, face.points / scale, face.scores)
            for face, (_, scale) in zip(results, shrunk, strict=True)
        ]

    def _find_at(self, photos: Sequence[np.ndarray], share: float) -> list[Found | None]:
        """Faces in photos of one size; None for those without."""
        self.network.min_face_size = max(MIN_FACE_PX, int(share * min(photos[0].shape[:2])))
        try:
            rows = self.network.detect(np.stack(photos), landmarks=True)
        except (RuntimeError, IndexError) as error:
            # It stumbles over windows that lie outside a photo. What a full or broken machine says
            # must not be kept as a photo without a face.
            if any(word in str(error).lower() for word in ("cuda", "cudnn", "memory")):
                raise
            if len(photos) == 1:
                return [None]
            return [self._find_at([photo], share)[0] for photo in photos]
        return [
            None
            if boxes is None
            else Found(*(np.array(part, np.float32) for part in (boxes, points, scores)))
            for boxes, scores, points in zip(*rows, strict=True)
        ]


def _shrunk(photo: np.ndarray) -> tuple[np.ndarray, float]:
    """The photo at a short side of at most ``MAX_SIDE``, and its scale."""
    scale = min(MAX_SIDE / min(photo.shape[:2]), 1)
    if scale == 1:
        return photo, 1
    height, width = (max(round(scale * length), 1) for length in photo.shape[:2])
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), scale


def nearest_to_centre(found: Found, size: tuple[int, int]) -> np.ndarray:
    """The five points of the face whose box is nearest the middle, NaN without a face.

    Args:
        found: In the photo's pixels.
        size: Its width and height.
    """
    if not len(found.boxes):
        return np.full((5, 2), np.nan)
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    nearest = np.hypot(*(centres - np.array(size) / 2).T).argmin()
    return np.asarray(found.points[nearest])


def find_landmarks(paths: Sequence[Path], *, cache: Path) -> tuple[np.ndarray, dict[int, str]]:
    """Five points of the middle face of each photo, looked up or searched for.

    Args:
        paths: The photos.
        cache: Folder of what was found before, by the content of the photo.

    Returns:
        Pixels of the photo, float32 ``(N, 5, 2)``, NaN where there is no face; and what is wrong
        with each photo that cannot be read.
    """
    points = np.full((len(paths), 5, 2), np.nan, np.float32)
    rows = KeyedRows(cache, setting="data.cache")
    keys, bad = readable_keys(paths)
    places = rows.find(keys)
    there = np.ones(len(paths), bool)
    there[list(bad)] = False
    known = np.flatnonzero((places >= 0) & there)
    if len(known):
        rows.describe(finder_description())
        points[known] = rows.values(places[known])
    wanted = np.flatnonzero((places < 0) & there)
    if not len(wanted):
        return points, bad
    finder = FaceFinder()
    rows.describe(finder_description())
    shards = [wanted[start : start + SHARD] for start in range(0, len(wanted), SHARD)]
    for shard in steps_of(shards, "photos searched for faces", size=len):
        found = dict(_search([paths[index] for index in shard], finder, nearest_to_centre))
        good = [i for i, result in found.items() if not isinstance(result, str)]
        bad |= {int(shard[i]): str(found[i]) for i in found.keys() - set(good)}
        points[shard[good]] = np.array([found[i] for i in good]).reshape(-1, 5, 2)
        if good:
            rows.add(keys[shard[good]], points[shard[good]])
    return points, bad


def find_all_landmarks(paths: Sequence[Path]) -> tuple[list[np.ndarray], dict[int, str]]:
    """Five points of each face of each photo, searched for.

    Returns:
        Pixels of the photo, float32 ``(F, 5, 2)`` each; and what is wrong with each photo that
        cannot be read.
    """
    points = [np.zeros((0, 5, 2), np.float32) for _ in paths]
    bad: dict[int, str] = {}
    finder = FaceFinder((SMALLEST_FACE,))
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
    finder: FaceFinder,
    points_of: Callable[[Found, tuple[int, int]], np.ndarray],
) -> Iterator[tuple[int, np.ndarray | str]]:
    """Points of each photo, or why it cannot be read, a few photos in memory at a time.

    Args:
        paths: The photos.
        finder: Of faces.
        points_of: From the faces of a photo and its width and height to the points that are wanted.
    """
    step = 4 * NUM_AT_ONCE
    with threads() as pool:
        for start in range(0, len(paths), step):
            part = list(pool.map(_read, paths[start : start + step]))
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
    return photo._replace(pixels=_shrunk(photo.pixels)[0])
