"""Faces for both heads, shown to the backbone in one way."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from torch.utils.data import Dataset

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.data.module import Collate, DataModule
from tasks.common.data.samples import Place, Sample, Samples
from tasks.common.images.decoding import ImageFile
from tasks.common.multitask.data import MultitaskData
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.faces import LabelledFaces
from tasks.face_embedding.augment import LookAtFace, plain
from tasks.face_embedding.data import EmbeddingData
from tasks.face_embedding.face_set import FaceSet
from tasks.face_embedding.faces import find_faces


class FacesData(MultitaskData):
    """Faces with attributes, and faces for embeddings.

    A network that looks at a photo once sees it in one way: those with attributes are turned to
    where the embedding's are, too.

    Args:
        attributes: Makes the faces with attributes.
        embedding: Makes those for embeddings, and says how all are aligned.
        augmentation: How faces with attributes are shown in training; None for as they are.
        **loading: See ``MultitaskData``.
    """

    default_image_size = 128

    def __init__(
        self,
        *,
        attributes: "partial[DataModule]",
        embedding: "partial[DataModule]",
        augmentation: Callable[[], LookAtFace] | None,
        **loading: Any,
    ) -> None:
        super().__init__(
            predict_as="embedding", attributes=attributes, embedding=embedding, **loading
        )
        labelled = cast(AttributeData, self.parts["attributes"])
        aligned = cast(EmbeddingData, self.parts["embedding"])
        if aligned.every_face:
            raise InputError(
                "data.embedding.every_face=true: these tasks look at one face of a photo. Leave it "
                "out"
            )
        self.parts["attributes"] = AlignedAttributes(labelled, aligned, augmentation=augmentation)


class DemoFacesData(FacesData):
    """Drawn faces for both, as each draws them.

    Args:
        root: Folder for the data, which the parts refer to.
        num_train: Training faces of each, likewise.
        num_val: Validation faces, and pairs of each kind in each fold, likewise.
        **faces: See ``FacesData``.
    """

    def __init__(self, *, root: str, num_train: int, num_val: int, **faces: Any) -> None:
        super().__init__(**faces)


class AlignedAttributes(DataModule):
    """Faces with attributes, turned to where the eyes, nose and mouth of all are.

    A photo in which no face is found is shown by its middle; its labels are true all the same.

    Args:
        labelled: The photos with their attributes.
        aligned: Whose alignment and cache of it they get.
        augmentation: How they are shown in training; None for as they are.
    """

    def __init__(
        self,
        labelled: AttributeData,
        aligned: EmbeddingData,
        *,
        augmentation: Callable[[], LookAtFace] | None,
    ) -> None:
        super().__init__(
            batch_size=labelled.batch_size,
            num_workers=labelled.num_workers,
            image_size=labelled.image_size,
            seed=labelled.seed,
        )
        if labelled.copies:
            raise InputError(
                "data.attributes.cache: aligned faces have no small copies. Leave it out"
            )
        self.labelled = labelled
        self.aligned = aligned
        self.augmentation = augmentation
        self._notes: dict[str, tuple[str, ...]] = {}

    @property
    def has_teacher(self) -> bool:
        """Whether a teacher says what unlabelled faces show, which are trained on then."""
        return self.labelled.has_teacher

    @has_teacher.setter
    def has_teacher(self, value: bool) -> None:
        self.labelled.has_teacher = value

    @property
    def framing(self) -> str:  # type: ignore[override]
        return self.aligned.framing

    @property
    def shown(self) -> str:
        """What of each face is shown, for the report."""
        return f"each turned to the template (alignment {self.aligned.alignment})"

    @property
    def label_map(self) -> LabelMap:  # type: ignore[override]
        """The attributes."""
        return self.labelled.label_map

    def faces(self, split: str) -> LabelledFaces:
        """The checked faces of ``train`` or ``val`` with their attributes."""
        return self.labelled.faces(split)

    def _shown(self, split: str, look_at: LookAtFace) -> "AttributeSet":
        faces = self.faces(split)
        found = find_faces(
            [faces.path(index) for index in range(len(faces))],
            alignment=self.aligned.alignment,
            cache=self.aligned.cache,
            on_bad_image="error",  # which skip has left out by now
            needed=True,
        )
        self._notes[split] = found.notes
        return AttributeSet(FaceSet(found, look_at, side=self.image_size, seed=self.seed), faces)

    @cached_property
    def train_set(self) -> "AttributeSet":
        """Augmented faces."""
        return self._shown("train", self.augmentation() if self.augmentation else plain)

    @cached_property
    def val_set(self) -> "AttributeSet":
        """Faces as they are."""
        return self._shown("val", plain)

    def predict_set(self, paths: Sequence[Path]) -> Samples:
        """As the embedding's: the middle face of each photo, or the photo's middle."""
        return self.aligned.predict_set(paths)

    def train_photo(self, index: int) -> tuple[int | str, ImageFile]:
        return self.labelled.train_photo(index)

    def val_photo(self, index: int) -> tuple[Path, dict[str, Any]]:
        return self.labelled.val_photo(index)

    def telling_photos(self, count: int, *, among: int) -> list[int]:
        return self.labelled.telling_photos(count, among=among)

    def prepare_data(self) -> None:
        self.labelled.prepare_data()

    def setup(self, stage: str) -> None:
        self.labelled.setup(stage)

    @property
    def collate(self) -> Collate:
        return self.labelled.collate

    def cautions(self) -> list[str]:
        return self.labelled.cautions()

    def report_lines(self) -> list[str]:
        """Those of the labelled photos, and in which of them no face was found."""
        lines = self.labelled.report_lines()
        for split, notes in self._notes.items():
            shown = f"alignment {self.aligned.alignment}"
            lines.append(f"{split}: {shown}, {len(notes)} shown by their middle without a face")
            lines += [f"    {note.partition(': ')[2]}" for note in notes]
        return lines


class AttributeSet(Dataset[Sample]):
    """Aligned faces with their attributes as ``target``.

    Args:
        shown: The faces.
        labelled: Their attributes, in the same order.
    """

    def __init__(self, shown: FaceSet, labelled: LabelledFaces) -> None:
        self.shown = shown
        self.labelled = labelled

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, place: Place) -> Sample:
        return {**self.shown[place], "target": self.labelled.targets[place[1]]}
