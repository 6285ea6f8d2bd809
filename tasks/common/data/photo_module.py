"""Whole photos as training data: what their tasks have in common."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic

from backbone.errors import InputError
from tasks.common.data.augmentation import plain
from tasks.common.data.labels import LabelMap
from tasks.common.data.module import Collate, DataModule
from tasks.common.data.overlap import copies_lines
from tasks.common.data.photo_sets import LabelledSet, collate
from tasks.common.data.photos import PhotosT, check_photos
from tasks.common.data.resolution import resolution_line
from tasks.common.data.samples import UnlabelledSet
from tasks.common.files.folders import make_folder
from tasks.common.images.crops import CENTRE
from tasks.common.images.decoding import ImageFile
from tasks.common.images.geometry import Look
from tasks.common.images.small_copies import SmallCopies


class PhotoData(DataModule, Generic[PhotosT]):
    """Photos with a target each, for training and validation.

    Args:
        root: Folder of the data set.
        augmentation: Makes the training augmentation for an image size: ``augmentation.paper`` or
            ``augmentation.modern``; None shows the photos as validation does.
        on_bad_image: ``error`` or ``skip``.
        resolution: Sides of training photos by epoch, for an image size:
            ``resolution.growing_sides``; None for that size in all epochs.
        cache: Folder for small copies of the training photos; None for none. Validation always
            looks at the photos themselves.
        cache_side: Short side of the copies; None for what an average part of a photo needs.
        **loading: See ``DataModule``.
    """

    framing = "the middle square of 7/8 of its short side, resized"
    layout: str  # what root must hold, for messages

    def __init__(
        self,
        *,
        root: str | int | None,
        augmentation: Callable[[int], Look] | None,
        on_bad_image: str,
        resolution: Callable[[int], list[int]] | None = None,
        cache: str | int | None = None,
        cache_side: int | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        if resolution:
            self.train_sides = resolution(self.image_size)
        self.root = root
        self.augmentation = augmentation or plain
        self.on_bad_image = on_bad_image
        self.copies = None
        if cache not in (None, ""):
            # 8/7 of the network's side, as in evaluation: a part of 60% of a photo of 4 by 3, the
            # average that is shown, has the network's side then
            side = round(self.image_size / CENTRE) if cache_side is None else cache_side
            self.copies = SmallCopies(Path(str(cache)), side=side)
        self._photos: dict[str, PhotosT] = {}

    @abstractmethod
    def read(self, split: str) -> PhotosT:
        """The photos of ``train`` or ``val``."""

    @abstractmethod
    def counts(self, photos: PhotosT) -> str:
        """How many photos there are and of what, for the report."""

    def folder(self) -> Path:
        """The folder that the user gave.

        Raises:
            InputError: If there is none.
        """
        ways_out = f"Ways out: data.root=DIR with {self.layout}; or data=demo, which needs no data."
        if self.root in (None, ""):
            raise InputError(f"No data: data.root is not set. {ways_out}")
        folder = Path(str(self.root))
        if not folder.is_dir():
            raise InputError(f"data.root={folder}: there is no such folder. {ways_out}")
        return folder

    def photos(self, split: str) -> PhotosT:
        """The checked photos of ``train`` or ``val``, read once."""
        if split not in self._photos:
            self._photos[split] = check_photos(self.read(split), on_bad_image=self.on_bad_image)
        return self._photos[split]

    @property
    def label_map(self) -> LabelMap:  # type: ignore[override]
        """The classes of both splits, which number them alike."""
        return self.photos("val" if "val" in self._photos else "train").label_map

    @property
    def train_set(self) -> LabelledSet:
        """Augmented training photos."""
        if self.copies:
            make_folder("data.cache", self.copies.folder)
        return LabelledSet(
            self.photos("train"),
            self.augmentation,
            sides=self.train_sides,
            seed=self.seed,
            copies=self.copies,
        )

    @property
    def val_set(self) -> LabelledSet:
        """The middle of each validation photo."""
        return LabelledSet(self.photos("val"), plain, sides=[self.image_size], seed=self.seed)

    def train_photo(self, index: int) -> tuple[str, ImageFile]:
        photos = self.photos("train")
        return photos.name(index), photos.image(index)

    def predict_set(self, paths: Sequence[Path]) -> UnlabelledSet:
        """The middle of each of the given photos."""
        return UnlabelledSet(paths, plain(self.image_size))

    def cautions(self) -> list[str]:
        """Whether validation photos are copies of training photos, once these have been read."""
        return self._copies_told if "train" in self._photos else []

    @cached_property
    def _copies_told(self) -> list[str]:
        return copies_lines(self.photos("train"), self.photos("val"))

    @property
    def collate(self) -> Collate:
        return partial(collate, image_size=self.image_size)

    def report_lines(self) -> list[str]:
        """Counts of the splits that were read, and what was skipped."""
        lines = []
        for split, photos in sorted(self._photos.items()):
            lines.append(f"{split}: {self.counts(photos)}")
            lines += [f"  {note}" for note in photos.notes]
        if "train" in self._photos and len(self.train_sides) > 1:
            lines.append(resolution_line(self.train_sides))
        if "train" in self._photos and self.copies:
            lines.append(self.copies.report_line())
        return lines
