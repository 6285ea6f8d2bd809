"""Faces at network size."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tasks.common.data.samples import Place, Sample
from tasks.common.images.geometry import is_mirrored
from tasks.common.report import counted_of
from tasks.face_embedding.augment import LookAtFace, plain
from tasks.face_embedding.faces import FramedFaces, find_faces_or_middles

logger = logging.getLogger(__name__)


class FaceSet:
    """Faces at network size.

    A sample has ``image`` and ``frame`` as ``Shown`` has them, ``id`` (index of the photo),
    ``mirrored`` and ``target`` (whose face it is, -1 if nobody says); where faces were searched
    for in photos that may have none, ``found``.

    Args:
        faces: Photos with the place of the face in each.
        look_at: From a face's square to how it is shown.
        side: Of that, in pixels.
        seed: With the epoch and the index it decides all that is random.
        unreadable: Messages by index, for photos that are samples with an error.
    """

    def __init__(
        self,
        faces: FramedFaces,
        look_at: LookAtFace,
        *,
        side: int,
        seed: int,
        unreadable: Mapping[int, str] | None = None,
    ) -> None:
        self.faces = faces
        self.look_at = look_at
        self.side = side
        self.seed = seed
        self.unreadable = unreadable or {}

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, place: Place) -> Sample:
        epoch, index = place
        if index in self.unreadable:
            return {"id": index, "error": self.unreadable[index]}
        rng = np.random.default_rng((self.seed, epoch, index))
        look = self.look_at(self.faces.frames[index], self.side)
        shown = look(self.faces.path(index), rng)
        found = {} if self.faces.found is None else {"found": bool(self.faces.found[index])}
        return {
            **shown._asdict(),
            **found,
            "id": index,
            "mirrored": is_mirrored(shown.frame),
            "target": int(self.faces.people[index]),
        }


class EveryFaceSet:
    """All faces of photos, as ``faces``: a sample of ``FaceSet`` each, whose ``id`` is the photo's.

    Args:
        faces: Photo by photo, as they are.
        whose: The photo of each, ``(F,)``, rising.
        num_photos: How many photos there are.
        unreadable: Messages by photo, for those that are samples with an error.
    """

    def __init__(
        self,
        faces: FaceSet,
        whose: np.ndarray,
        *,
        num_photos: int,
        unreadable: Mapping[int, str],
    ) -> None:
        self.faces = faces
        self.starts = np.searchsorted(whose, np.arange(num_photos + 1))
        self.unreadable = unreadable

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, place: Place) -> Sample:
        epoch, index = place
        if index in self.unreadable:
            return {"id": index, "error": self.unreadable[index]}
        rows = range(self.starts[index], self.starts[index + 1])
        return {"faces": [{**self.faces[epoch, row], "id": index} for row in rows]}


def faces_or_middles(
    paths: Sequence[Path], *, alignment: str, cache: Path, side: int, seed: int
) -> FaceSet:
    """The middle face of each photo as it is, or the photo's middle where there is none.

    Args:
        paths: The photos.
        alignment: See ``find_faces``.
        cache: Likewise.
        side: See ``FaceSet``.
        seed: Likewise.
    """
    faces, bad = find_faces_or_middles(paths, alignment=alignment, cache=cache)
    if faces.found is not None and (without := int((~faces.found).sum()) - len(bad)):
        logger.warning(
            '%s without a face: "found" is false in predictions.json, for the photo\'s middle',
            counted_of(without, len(paths), "photo", "photos"),
        )
    return FaceSet(faces, plain, side=side, seed=seed, unreadable=bad)
