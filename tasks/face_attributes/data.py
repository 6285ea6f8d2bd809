"""Faces and their attributes as training data."""

import os
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.data import augmentation
from tasks.common.data.photo_module import PhotoData
from tasks.common.data.photo_sets import LabelledSet
from tasks.common.images.finding import Found, find_photos
from tasks.face_attributes.faces import LabelledFaces


class AttributeData(PhotoData[LabelledFaces]):
    """Photos of a face each, with its attributes.

    Args:
        unlabelled: Folders of further faces, which are trained on if there is a teacher.
        **photos: See ``PhotoData``.
    """

    default_image_size = 128
    shown = "the middle of each"  # for the report

    def __init__(self, *, unlabelled: str | Sequence[str] | None = None, **photos: Any) -> None:
        super().__init__(**photos)
        folders = [unlabelled] if isinstance(unlabelled, str | int) else unlabelled or []
        self.unlabelled = [Path(str(folder)) for folder in folders if folder != ""]

    @abstractmethod
    def read_faces(self, split: str) -> LabelledFaces:
        """The labelled faces of ``train`` or ``val``."""

    def read(self, split: str) -> LabelledFaces:
        faces = self.read_faces(split)
        if split == "val" or not self.has_teacher:
            return faces
        labelled = {os.path.abspath(faces.path(index)) for index in range(len(faces))}
        found = [_photos_in(folder) for folder in self.unlabelled]
        paths = [path for some in found for path in some.photos]
        notes = [f"{some.root}: {line}" for some in found for line in some.left_out()]
        more = faces.joined_by([path for path in paths if os.path.abspath(path) not in labelled])
        return replace(more, notes=(*more.notes, *notes))

    def faces(self, split: str) -> LabelledFaces:
        """The checked faces of ``train`` or ``val``."""
        return self.photos(split)

    def train_paths(self) -> list[Path]:
        """The training faces: any part that is shown of one still tells most of its attributes."""
        faces = self.faces("train")
        return [faces.path(index) for index in range(len(faces))]

    def plain_train_set(self, side: int) -> LabelledSet:
        return LabelledSet(self.faces("train"), augmentation.plain, sides=[side], seed=self.seed)

    def counts(self, photos: LabelledFaces) -> str:
        known = ~np.isnan(photos.targets)
        unlabelled = int((~known.any(axis=1)).sum())
        return (
            f"{len(photos)} faces, {unlabelled} of them unlabelled, {len(photos.label_map)} "
            f"attributes, {known.mean():.1%} of them known"
        )

    def report_lines(self) -> list[str]:
        lines = super().report_lines()
        if self.unlabelled and "train" in self._photos and not self.has_teacher:
            lines.append("data.unlabelled: not used, since no teacher says what is there")
        return lines

    def val_photo(self, index: int) -> tuple[Path, dict[str, Any]]:
        """A validation face and the attributes that it has."""
        faces = self.photos("val")
        names, ids = faces.label_map.names, faces.label_map.ids
        there = np.flatnonzero(faces.targets[index] == 1)
        return faces.path(index), {
            "attributes": [{"id": ids[number], "name": names[number]} for number in there]
        }


def _photos_in(folder: Path) -> Found:
    if not folder.is_dir():
        raise InputError(f"data.unlabelled={folder}: there is no such folder of photos")
    return find_photos(folder)
