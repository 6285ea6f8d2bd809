"""Folders of faces to train on and pairs of photos to validate on."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from backbone.errors import InputError, check_flag
from tasks.common.data.labels import LabelMap
from tasks.common.data.module import Collate, DataModule
from tasks.common.data.overlap import overlap_lines
from tasks.common.images.finding import others_line, photos_in
from tasks.common.report import counted
from tasks.face_embedding.augment import LookAtFace, plain
from tasks.face_embedding.face_set import EveryFaceSet, FaceSet, faces_or_middles
from tasks.face_embedding.faces import FramedFaces, find_every_face, find_faces
from tasks.face_embedding.mxnet_records import refuse_records
from tasks.face_embedding.pairs import Pairs, read_pairs
from tasks.face_embedding.samples import collate
from tasks.faces.finders import finder_description, name_of, searches

WAYS_OUT = (
    "Ways out: data.faces=[DIR,DIR] with photos of faces to train on, data.pairs=FILE with "
    "data.pairs_root=DIR, a folder for each person, to validate; or data=demo, which needs no data."
)


class EmbeddingData(DataModule):
    """Faces without names to train on, pairs of photos to validate on.

    Args:
        faces: Folders of photos, searched with their subfolders.
        pairs: File that lists pairs, or holds them; see ``read_pairs``.
        pairs_root: Folder of the photos of the pairs; for LFW's form it has one for each person.
        alignment: ``mtcnn`` or a file of YuNet's turns each face to where its eyes, nose and mouth
            are in the template; ``none`` takes the middle square of a photo.
        cache: Folder for the places of faces, which are searched for once.
        augmentation: How faces are shown in training; None for as they are.
        on_bad_image: ``error`` or ``skip``.
        every_face: Whether prediction looks at all faces of a photo instead of the middle one.
        **loading: See ``DataModule``.
    """

    default_image_size = 160
    ways_out = WAYS_OUT

    def __init__(
        self,
        *,
        faces: str | Sequence[str] | None,
        pairs: str | None,
        pairs_root: str | None,
        alignment: str,
        cache: str,
        augmentation: Callable[[], LookAtFace] | None,
        on_bad_image: str,
        every_face: bool = False,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        self.faces = faces
        self.pairs_file = pairs
        self.pairs_root = pairs_root
        self.alignment = alignment
        self.cache = Path(str(cache))
        self.augmentation = augmentation
        self.on_bad_image = on_bad_image
        check_flag("data.every_face", every_face)
        if every_face and not searches(alignment):
            raise InputError("data.every_face=true: data.alignment=none searches for no faces")
        self.every_face = every_face
        self._notes: dict[str, tuple[str, ...]] = {}
        self._others: Counter[str] = Counter()  # files beside the photos to train on, by suffix

    @property
    def framing(self) -> str:  # type: ignore[override]
        if searches(self.alignment):
            return "a face, turned to where its eyes, nose and mouth are in the template"
        return "the middle square, resized"

    @property
    def label_map(self) -> LabelMap:  # type: ignore[override]
        """No classes: a teacher's embeddings have none."""
        return LabelMap((), ())

    def preparation(self) -> dict[str, Any]:
        """How a face comes from its photo, for caches and checkpoints."""
        finder = finder_description(self.alignment) if searches(self.alignment) else {}
        return {"alignment": name_of(self.alignment), **finder}

    def settings_of_photos(self) -> dict[str, str]:
        """Whether faces are turned to a template."""
        return {"data.alignment": name_of(self.alignment)}

    @cached_property
    def train_faces(self) -> FramedFaces:
        """The faces to train on.

        Raises:
            InputError: If there are none.
        """
        return self._find("train", self.photos())

    def photos(self) -> list[Path]:
        """The files in all folders of faces."""
        if not self.faces:
            raise InputError(f"No data: data.faces is not set. {self.ways_out}")
        folders = [self.faces] if isinstance(self.faces, str) else list(self.faces)
        paths: list[Path] = []
        others: Counter[str] = Counter()
        for folder in (Path(str(name)) for name in folders):
            refuse_records("data.faces", folder)
            if not folder.is_dir():
                raise InputError(f"data.faces={folder}: there is no such folder. {self.ways_out}")
            found = photos_in(folder)
            if not found.photos:
                raise InputError(f"data.faces={folder}: no images there or below. {self.ways_out}")
            paths += found.photos
            others += found.others
        self._others = others
        return list(dict.fromkeys(paths))

    def _find(self, split: str, paths: Sequence[Path], **settings: Any) -> FramedFaces:
        faces = find_faces(
            paths,
            alignment=self.alignment,
            cache=self.cache,
            on_bad_image=self.on_bad_image,
            needed=split == "val",
            **settings,
        )
        self._notes[split] = faces.notes
        return faces

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs to validate on.

        Raises:
            InputError: If there are none.
        """
        if not self.pairs_file:
            raise InputError(f"No data: data.pairs is not set. {self.ways_out}")
        root = Path(str(self.pairs_root)) if self.pairs_root else None
        try:
            return read_pairs(Path(str(self.pairs_file)), root, cache=self.cache)
        except InputError as error:
            if root is not None and root.is_dir():
                raise
            raise InputError(f"No data: {error}. {self.ways_out}") from error

    @cached_property
    def val_faces(self) -> FramedFaces:
        """The photos that pairs name, in the order of ``pairs.paths``."""
        return self._find("val", self.pairs.paths)

    def train_paths(self) -> list[Path]:
        return [self.train_faces.path(index) for index in range(len(self.train_faces))]

    def plain_train_set(self, side: int) -> FaceSet:
        return FaceSet(self.train_faces, plain, side=side, seed=self.seed)

    @property
    def train_set(self) -> FaceSet:
        """Augmented faces."""
        look_at = self.augmentation() if self.augmentation else plain
        return FaceSet(self.train_faces, look_at, side=self.image_size, seed=self.seed)

    @property
    def val_set(self) -> FaceSet:
        """The faces of the pairs as they are."""
        return FaceSet(self.val_faces, plain, side=self.image_size, seed=self.seed)

    def predict_set(self, paths: Sequence[Path]) -> FaceSet | EveryFaceSet:
        """The middle face of each photo, or the photo's middle where there is none; or all."""
        if self.every_face:
            return self._every_face(paths)
        return faces_or_middles(
            paths,
            alignment=self.alignment,
            cache=self.cache,
            side=self.image_size,
            seed=self.seed,
        )

    def _every_face(self, paths: Sequence[Path]) -> EveryFaceSet:
        faces, whose, bad = find_every_face(paths, alignment=self.alignment)
        shown = FaceSet(faces, plain, side=self.image_size, seed=self.seed)
        return EveryFaceSet(shown, whose, num_photos=len(paths), unreadable=bad)

    def train_photo(self, index: int) -> tuple[str, Path]:
        path = self.train_faces.path(index)
        return str(path), path

    def val_photo(self, index: int) -> tuple[Path, dict[str, Any]]:
        """A photo of a pair and whose it is."""
        return self.pairs.paths[index], {"person": self.pairs.names[index]}

    @property
    def collate(self) -> Collate:
        return partial(collate, image_size=self.image_size)

    def cautions(self) -> list[str]:
        """Whether photos of the pairs are trained on too, once these have been read."""
        if "train" not in self._notes:
            return []
        return overlap_lines(self.train_paths(), self.pairs.paths, what="photos of the pairs")

    def report_lines(self) -> list[str]:
        """How many faces were read, from where, and what was skipped."""
        lines = []
        if "train" in self._notes:
            folders = {os.path.dirname(path) for path in self.train_paths()}
            lines.append(
                f"train: {counted(len(self.train_faces), 'face', 'faces')} of "
                f"{counted(len(folders), 'folder', 'folders')}, alignment {self.alignment}"
            )
            lines += _grouped(self._notes["train"])
            others = others_line(self._others, beside=len(self.train_faces))
            lines += [f"  {line}" for line in others]
        if "val" in self._notes:
            lines.append(
                f"val: {len(self.pairs)} pairs of {len(self.val_faces)} photos, alignment "
                f"{self.alignment}"
            )
            lines += _grouped(self._notes["val"])
        return lines


def _grouped(notes: Sequence[str]) -> list[str]:
    """How often each kind of note is there, and the notes themselves, which go to the report only.

    >>> _grouped(["1 photo skipped, no face found: a.jpg", "1 photo skipped: b.jpg is empty"])
    ['  1 photo skipped, no face found', '    a.jpg', '  1 photo skipped', '    b.jpg is empty']
    """
    kinds: dict[str, list[str]] = {}
    for note in notes:
        kind, _, which = note.removeprefix("1 photo ").partition(": ")
        kinds.setdefault(kind, []).append(which)
    lines = []
    for kind, members in kinds.items():
        lines.append(f"  {counted(len(members), 'photo', 'photos')} {kind}")
        lines += [f"    {member}" for member in members]
    return lines
