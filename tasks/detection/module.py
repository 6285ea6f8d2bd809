"""Photos with boxes as training data for detectors, whatever layout they lie in."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError, check_choice
from tasks.common.data.held_out import held_out
from tasks.common.data.labels import LabelMap
from tasks.common.data.loader import Loader
from tasks.common.data.module import Collate, DataModule
from tasks.common.data.overlap import overlap_lines
from tasks.common.data.sampling import ShardSampler
from tasks.common.data.spread import covering
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_images import check_images
from tasks.detection.annotations.learnable import check_learnable, learnable_lines
from tasks.detection.annotations.stored_pixels import EXIF_POLICIES, turn_upright
from tasks.detection.augmentation import recipes
from tasks.detection.augmentation.recipes import DetectionAugmentation
from tasks.detection.batches import collate
from tasks.detection.layouts.found import Found, Reading, chosen_split
from tasks.detection.photos import PhotoSet
from tasks.detection.samples import DetectionSet
from tasks.detection.tiles import Tiles, TileSet, collate_tiles

CROWD_POLICIES = ("ignore", "objects")


class DetectionData(DataModule):
    """Photos with boxes for training and validation.

    Args:
        augmentation: Makes the training augmentation for an image size: ``recipes.paper`` or
            ``recipes.strong``; None only resizes.
        on_bad_box: ``error``, ``drop`` or ``clip``.
        on_bad_image: ``error`` or ``skip``.
        masks: Whether the task needs masks; batches then have ``masks`` too.
        exif: What boxes were drawn on: photos turned as Exif has it (``apply``), or stored pixels
            (``ignore``); the latter are turned with their photos.
        crowds: What is marked as a crowd, or as difficult: ``ignore``, in training and in scoring,
            or take as ``objects``.
        train_split: The split to train on, by its name; None for the usual one.
        val_split: The split to validate on.
        val_share: Of the photos, about, to validate on where there is no split for it; 1 for all.
        group: What of the photos stays together then, see ``held_out``.
        **loading: See ``DataModule``.
    """

    default_image_size = 300
    framing = "all of it, resized to the square"

    def __init__(
        self,
        *,
        augmentation: Callable[[int], DetectionAugmentation] | None,
        on_bad_box: str,
        on_bad_image: str,
        masks: bool = False,
        exif: str = "apply",
        crowds: str = "ignore",
        train_split: str | None = None,
        val_split: str | None = None,
        val_share: float | None = None,
        group: str | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        check_choice("data.crowds", crowds, allowed=CROWD_POLICIES)
        check_choice("data.exif", exif, allowed=EXIF_POLICIES)
        self.augmentation = augmentation or recipes.plain
        self.on_bad_image = on_bad_image
        self.reading = Reading(on_bad_box=on_bad_box, masks=masks, exif=exif)
        self.crowds = crowds
        self.has_tiles = not masks  # which would have to be joined
        self.names = {"train": train_split, "val": val_split}
        self.val_share, self.group = val_share, group
        self._train: Annotations | None = None
        self._val: Annotations | None = None

    @abstractmethod
    def find(self) -> Found:
        """Which splits there are, and how they are read."""

    @cached_property
    def found(self) -> Found:
        """The same, looked for once."""
        return self.find()

    @property
    def train_annotations(self) -> Annotations:
        """Checked annotations of the training photos, read once.

        Raises:
            InputError: If they are bad, or there is nothing to learn from them.
        """
        if self._train is None:
            read = self.read("train")
            check_learnable(read, side=self.image_size)
            self._train = read
        return self._train

    @property
    def val_annotations(self) -> Annotations:
        """Checked annotations of the validation photos, read once."""
        if self._val is None:
            self._val = self.read("val")
        return self._val

    def read(self, split: str) -> Annotations:
        """Checked annotations of ``train`` or ``val``.

        Raises:
            InputError: If there is no such split, or something in it is bad.
        """
        if self.is_divided:
            return self._read_whole(self._name(split))
        held = self._held_out
        return self._undivided.select(np.flatnonzero(held if split == "val" else ~held))

    @property
    def is_divided(self) -> bool:
        """Whether there is a split for validation, or none is asked for."""
        return self.val_share is None or self._usual("val") is not None

    def _usual(self, split: str) -> str | None:
        usual = self.found.train if split == "train" else self.found.val
        if split == "val" and usual == self.names["train"]:
            usual = None  # it is trained on: nothing is left to validate on
        return chosen_split(self.found, f"data.{split}_split", self.names[split], usual)

    def _name(self, split: str) -> str:
        name = self._usual(split)
        if name is not None:
            return name
        there = ", ".join(map(repr, self.found.splits))
        ways_out = f"data.{split}_split=NAME chooses one"
        if split == "val":
            ways_out = f"data.val_share=0.2 holds a fifth of the photos out for it; {ways_out}"
        if len(self.found.splits) > 1:
            ways_out += "; data.roots=[A,B] joins several data sets"
        purpose = {"train": "train", "val": "validate"}[split]
        raise InputError(
            f"{self.found.what}: no split to {purpose} on; there is {there}. Ways out: {ways_out}; "
            f"data.{split}_annotations=FILE data.{split}_images=DIR names a COCO file"
        )

    def _read_whole(self, name: str) -> Annotations:
        annotations = self.found.splits[name](self.reading)
        if self.reading.exif == "ignore":
            annotations = turn_upright(annotations)
        annotations = check_images(annotations, on_bad_image=self.on_bad_image)
        return annotations.without_crowds() if self.crowds == "objects" else annotations

    @cached_property
    def _undivided(self) -> Annotations:
        return self._read_whole(self._name("train"))

    @cached_property
    def _held_out(self) -> np.ndarray:
        """Which photos of an undivided set are validated on, bool ``(N,)``."""
        names = self._undivided.file_names.tolist()
        if self.val_share == 1:
            return np.ones(len(names), bool)
        return held_out(names, float(self.val_share or 0), group=self.group)

    @property
    def label_map(self) -> LabelMap:  # type: ignore[override]
        """The classes of the training data, or of the validation data if only these were read."""
        annotations = self._train or self._val
        return (annotations or self.train_annotations).label_map

    @property
    def train_set(self) -> DetectionSet:
        """Augmented training photos."""
        return DetectionSet(
            self.train_annotations,
            self.augmentation(self.image_size),
            seed=self.seed,
            masks=self.reading.masks,
        )

    @property
    def val_set(self) -> DetectionSet:
        """Validation photos, resized; their masks are needed for scoring alone."""
        return DetectionSet(self.val_annotations, recipes.plain(self.image_size), seed=self.seed)

    def predict_set(self, paths: Sequence[Path]) -> PhotoSet:
        """The given photos, resized."""
        return PhotoSet(paths, recipes.plain(self.image_size))

    def tile_loader(self, paths: Sequence[Path], *, side: int, overlap: float) -> Loader:
        if not self.has_tiles:
            return super().tile_loader(paths, side=side, overlap=overlap)
        shown = TileSet(paths, recipes.plain(self.image_size), Tiles(side, overlap))
        whole = partial(collate_tiles, image_size=self.image_size)
        return self.loader(shown, ShardSampler(len(paths)), batch_size=1, collate_fn=whole)

    def train_photo(self, index: int) -> tuple[int | str, Path]:
        annotations = self.train_annotations
        return annotations.image_ids[index].item(), annotations.path(index)

    def val_photo(self, index: int) -> tuple[Path, dict[str, Any]]:
        """A validation photo and its boxes; crowds are left out."""
        annotations = self.val_annotations
        return annotations.path(index), {"detections": annotations.objects(index)}

    def telling_photos(self, count: int, *, among: int) -> list[int]:
        """Those that together show all classes."""
        annotations = self.val_annotations
        photos = annotations.image_of_row()
        objects = ~annotations.crowd & (photos < among)
        return covering(photos[objects], annotations.classes[objects], count, among=among)

    @property
    def collate(self) -> Collate:
        return partial(collate, image_size=self.image_size)

    def cautions(self) -> list[str]:
        """Whether validation photos, or copies of them, are trained on too."""
        if self._train is None or self._val is None:
            return []
        return overlap_lines(self._train.paths(), self._val.paths(), what="validation photos")

    def report_lines(self) -> list[str]:
        """What was found, and counts and repairs of the splits that were read."""
        lines, said = [self.found.what], set[str]()
        for split, annotations in (("train", self._train), ("val", self._val)):
            if annotations is None:
                continue
            boxes = counted(len(annotations.boxes), "box", "boxes")
            photos = counted(len(annotations), "photo", "photos")
            lines.append(f"{split}: {photos}, {boxes}{self._held_out_words(split)}")
            notes = [*annotations.notes, *learnable_lines(annotations, side=self.image_size)]
            if split == "train":
                notes += annotations.unseen_classes()
            lines += [f"  {note}" for note in notes if note not in said]
            said.update(annotations.notes)
        if self.val_share is not None and self.is_divided:
            lines.append("data.val_share: not used, since there is a split for validation")
        return lines

    def _held_out_words(self, split: str) -> str:
        if self.is_divided or split == "train":
            return ""
        group = f" data.group={self.group}" if self.group else ""
        return f", held out by their names: data.val_share={self.val_share}{group}"
