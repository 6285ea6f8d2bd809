"""A folder of photos for each person to train on."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backbone.errors import InputError, check_number
from tasks.common.data.labels import LabelMap
from tasks.common.data.sampling import EpochSampler
from tasks.common.images.finding import is_aside, is_image_name, photos_in
from tasks.common.report import counted
from tasks.face_embedding.data import EmbeddingData
from tasks.face_embedding.faces import FramedFaces
from tasks.face_embedding.mxnet_records import refuse_records
from tasks.face_embedding.sampling import PeopleSampler


class Known(NamedTuple):
    """Faces to train on, whose ``people`` count from 0 without gaps, and the folder of each."""

    faces: FramedFaces
    folders: list[Path]


class IdentityData(EmbeddingData):
    """Faces of people who are told apart by their folders, and pairs of photos to validate on.

    Args:
        identities: Folder, or several, with a folder for each person; those of one name in two
            of them are two people.
        photos_per_person: Shown side by side, at most; people with a single photo are left out.
            None for all photos in any order.
        **faces: See ``EmbeddingData``.
    """

    ways_out = (
        "Ways out: data.identities=DIR with a folder of photos for each person to train on, "
        "data.pairs=FILE with data.pairs_root=DIR, likewise, to validate; or data=demo, which "
        "needs no data."
    )

    def __init__(
        self,
        *,
        identities: str | Sequence[str] | None,
        photos_per_person: int | None,
        **faces: Any,
    ) -> None:
        super().__init__(faces=None, **faces)
        if photos_per_person is not None:
            check_number("data.photos_per_person", photos_per_person, at_least=2, whole=True)
        self.identities = identities
        self.photos_per_person = photos_per_person
        self._nested: list[str] = []

    @property
    def label_map(self) -> LabelMap:  # type: ignore[override]
        """The people to train on, by their folders."""
        folders = self.known.folders
        return LabelMap(tuple(map(str, folders)), tuple(range(len(folders))))

    @property
    def train_faces(self) -> FramedFaces:
        return self.known.faces

    @cached_property
    def known(self) -> Known:
        """The people to train on.

        Raises:
            InputError: If there are fewer than two.
        """
        folders, notes = self._folders()
        inside = [photos_in(folder) for folder in folders]
        photos = [list(some.photos) for some in inside]
        self._others = sum((some.others for some in inside), Counter[str]())
        self._nested = _nested_lines(folders, photos)
        paths = [path for some in photos for path in some]
        if not paths:
            raise InputError(
                f"data.identities={self.identities}: no images in its folders. {self.ways_out}"
            )
        whose = np.repeat(np.arange(len(folders)), [len(some) for some in photos])
        faces = self._find("train", paths, people=whose)
        kept = np.ones(len(faces), bool)
        if self.photos_per_person:
            kept = np.bincount(faces.people)[faces.people] > 1
            notes += [
                f"1 photo skipped, the only one of its person: {faces.path(index)}"
                for index in np.flatnonzero(~kept).tolist()
            ]
        self._notes["train"] += tuple(notes)
        people, numbers = np.unique(faces.people[kept], return_inverse=True)
        if len(people) < 2:
            total = counted(len(folders), "folder", "folders")
            each = ", with two photos each," if self.photos_per_person else ""
            raise InputError(
                f"data.identities={self.identities}: {len(people)} of {total} can be used, and at "
                f"least two people are needed{each} to be told apart. "
                f"Left out: {'; '.join(self._notes['train'][:5]) or 'nothing'}"
            )
        known = FramedFaces(faces.files[kept], faces.frames[kept], numbers)
        return Known(known, [folders[number] for number in people])

    def _folders(self) -> tuple[list[Path], list[str]]:
        """The folder of each person, and a note on each photo that is in none."""
        if not self.identities:
            raise InputError(f"No data: data.identities is not set. {self.ways_out}")
        roots = [self.identities] if isinstance(self.identities, str) else list(self.identities)
        folders: list[Path] = []
        notes: list[str] = []
        for root in (Path(str(name)) for name in roots):
            refuse_records("data.identities", root)
            if not root.is_dir():
                raise InputError(
                    f"data.identities={root}: there is no such folder. {self.ways_out}"
                )
            inside = sorted(path for path in root.iterdir() if not is_aside(path))
            folders += [path for path in inside if path.is_dir()]
            loose = [path for path in inside if is_image_name(path) and path.is_file()]
            notes += [f"1 photo skipped, in no person's folder: {path}" for path in loose]
        if not folders:
            raise InputError(
                f"data.identities={self.identities}: no folder of a person in it. {self.ways_out}"
            )
        return list(dict.fromkeys(folders)), notes

    def train_sampler(self, **start: Any) -> EpochSampler:
        """A few photos of a person side by side, where that is asked for."""
        if self.photos_per_person is None:
            return super().train_sampler(**start)
        return PeopleSampler(
            self.train_faces.people, photos_per_person=self.photos_per_person, **start
        )

    def report_lines(self) -> list[str]:
        """Besides, how many people there are to train on, and whether the pairs show them too."""
        lines = super().report_lines()
        if "train" in self._notes:
            lines[1:1] = self._people_lines()  # below the line on the faces
        return lines

    def _people_lines(self) -> list[str]:
        counts = np.bincount(self.train_faces.people)
        line = f"  {len(counts)} people with {counts.min()} to {counts.max()} photos"
        if self.photos_per_person is None:
            lines = [f"{line}, which come in any order"]
        else:
            few = int((counts < self.photos_per_person).sum())
            lines = [f"{line}; an epoch shows each once, by {self.photos_per_person} photos"]
            if few:
                lines[0] += f", {few} of them by all of fewer"
        names = {folder.name for folder in self.known.folders}
        lines += self._nested
        shared = sorted(names & set(self.pairs.names)) if self.pairs_file else []
        if shared:
            lines.append(
                f"  {counted(len(shared), 'person', 'people')} of the pairs too by name, so that "
                f"figures flatter: {', '.join(shared)}"
            )
        return lines


def _nested_lines(folders: Sequence[Path], photos: Sequence[Sequence[Path]]) -> list[str]:
    """A line on people whose photos are in several folders, which may be the people."""
    nested = []
    for folder, some in zip(folders, photos, strict=True):
        below = sorted(
            {path.relative_to(folder).parts[0] for path in some if path.parent != folder}
        )
        if len(below) > 1:
            nested.append(f"{folder} has {', '.join(below)}")
    if not nested:
        return []
    number = counted(len(nested), "person has", "people have")
    return [
        f"  {number} folders of photos, taken for one person each; if these are the people, name "
        f"what they are in: {'; '.join(nested)}"
    ]
