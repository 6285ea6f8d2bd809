"""Folders of photos with boxes as training data for detectors."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backbone.errors import InputError
from tasks.detection.demo.scenes import write_scenes
from tasks.detection.layouts.found import Found, in_turn, join_found
from tasks.detection.layouts.known import coco
from tasks.detection.layouts.recognising import recognise
from tasks.detection.module import DetectionData

WAYS_OUT = (
    "Ways out: data.root=DIR with a folder of photos and annotations (tools/prepare.py "
    "dataset=coco root=DIR fetches COCO, dataset=voc2007 VOC); data.train_images=DIR "
    "data.train_annotations=FILE for a COCO file (data.val_... for validation); or data=demo, "
    "which needs no data."
)

Given = str | int | Sequence[str | int] | None  # a path, several, or none


class FolderData(DetectionData):
    """Folders in any layout of the room ``layouts.known``, or COCO files wherever they are.

    Args:
        root: The folder.
        roots: Several folders instead, whose classes are matched by name.
        layout: The only layout to look for, such as ``coco``; None for any.
        train_images: Folder of the training photos, where ``root`` does not have them, or several.
        train_annotations: Their COCO file, or one for each folder.
        val_images: Folder of the validation photos.
        val_annotations: Their COCO file.
        **detection: See ``DetectionData``.
    """

    def __init__(
        self,
        *,
        root: str | None,
        roots: Sequence[str] | None = None,
        layout: str | None = None,
        train_images: Given = None,
        train_annotations: Given = None,
        val_images: Given = None,
        val_annotations: Given = None,
        **detection: Any,
    ) -> None:
        super().__init__(**detection)
        if root is not None and roots:
            raise InputError("data.root and data.roots: give either one folder or several")
        self.roots = _paths(roots) or _paths(root)
        self.layout = layout
        self.parts = {
            "train": (_paths(train_annotations), _paths(train_images)),
            "val": (_paths(val_annotations), _paths(val_images)),
        }

    def find(self) -> Found:
        own = {
            split: _coco_files(split, files, folders)
            for split, (files, folders) in self.parts.items()
            if files or folders
        }
        if not self.roots and not own:
            raise InputError(f"No data: data.root is not set. {WAYS_OUT}")
        named = ", ".join(str(file) for split in own for file in self.parts[split][0])
        given = Found(
            f"COCO: {named}", own, *(split if split in own else None for split in self.parts)
        )
        if not self.roots or len(own) == len(self.parts):
            return given
        if len(set(self.roots)) < len(self.roots):
            raise InputError("data.roots names one folder twice")
        layout = self.layout
        found = join_found({str(root): recognise(root, layout=layout) for root in self.roots})
        return found.overridden(given) if own else found


def _coco_files(split: str, files: list[Path], folders: list[Path]) -> Any:
    """Reads COCO files with a folder of photos each, or all in one, or beside them."""
    if not files:
        raise InputError(f"data.{split}_images: data.{split}_annotations=FILE is missing")
    if len(folders) not in (0, 1, len(files)):
        raise InputError(
            f"data.{split}_annotations are {len(files)} files and data.{split}_images "
            f"{len(folders)} folders: give a folder for each file, or one for all"
        )
    each = [[folder] for folder in folders] or [coco.beside(file) for file in files]
    each *= len(files) // len(each)
    return in_turn([coco.reader(*pair) for pair in zip(files, each, strict=True)])


def _paths(given: Given) -> list[Path]:
    """A setting as paths; of a folder called 2017 Hydra makes a number."""
    if given in (None, ""):
        return []
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [Path(str(name)) for name in several]


class DemoScenes(FolderData):
    """Scenes drawn in code, written to disk as a COCO data set.

    Args:
        root: Where they go.
        num_train: Training scenes.
        num_val: Validation scenes.
        **detection: See ``DetectionData``.
    """

    def __init__(self, *, root: str, num_train: int, num_val: int, **detection: Any) -> None:
        super().__init__(root=root, **detection)
        self.write = partial(write_scenes, Path(str(root)), num_train=num_train, num_val=num_val)

    def prepare_data(self) -> None:
        self.write(seed=self.seed)

    def find(self) -> Found:
        self.prepare_data()  # what is there is not drawn again
        return super().find()
