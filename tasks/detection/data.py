"""Folders of photos with boxes as training data for detectors."""

from functools import partial
from pathlib import Path
from typing import Any

from backbone.errors import InputError
from tasks.detection.demo.scenes import write_scenes
from tasks.detection.layouts.found import Found
from tasks.detection.layouts.known import coco
from tasks.detection.layouts.recognising import recognise
from tasks.detection.module import DetectionData

WAYS_OUT = (
    "Ways out: data.root=DIR with a folder of photos and annotations (tools/prepare.py "
    "dataset=coco root=DIR fetches COCO, dataset=voc2007 VOC); data.train_images=DIR "
    "data.train_annotations=FILE for a COCO file (data.val_... for validation); or data=demo, "
    "which needs no data."
)


class FolderData(DetectionData):
    """A folder in any layout of the room ``layouts.known``, or COCO files wherever they are.

    Args:
        root: The folder.
        layout: The only layout to look for, such as ``coco``; None for any.
        train_images: Folder of the training photos, where ``root`` does not have them.
        train_annotations: Their COCO file.
        val_images: Folder of the validation photos.
        val_annotations: Their COCO file.
        **detection: See ``DetectionData``.
    """

    def __init__(
        self,
        *,
        root: str | None,
        layout: str | None = None,
        train_images: str | None = None,
        train_annotations: str | None = None,
        val_images: str | None = None,
        val_annotations: str | None = None,
        **detection: Any,
    ) -> None:
        super().__init__(**detection)
        self.root = _path(root)
        self.layout = layout
        self.parts = {
            "train": (_path(train_annotations), _path(train_images)),
            "val": (_path(val_annotations), _path(val_images)),
        }

    def find(self) -> Found:
        own = {split: part for split, part in self.parts.items() if any(part)}
        if self.root is None and not own:
            raise InputError(f"No data: data.root is not set. {WAYS_OUT}")
        for split, (file, _) in own.items():
            if file is None:
                raise InputError(f"data.{split}_images: data.{split}_annotations=FILE is missing")
        named = {
            split: coco.reader(file, [folder] if folder else coco.beside(file))
            for split, (file, folder) in own.items()
            if file
        }
        files = f"COCO: {', '.join(str(file) for file, _ in own.values())}"
        if self.root is None or len(own) == len(self.parts):
            return Found(files, named, *(split if split in own else None for split in self.parts))
        found = recognise(self.root, layout=self.layout)
        return Found(
            f"{found.what}; {files}" if own else found.what,
            {**found.splits, **named},
            "train" if "train" in own else found.train,
            "val" if "val" in own else found.val,
        )


def _path(name: str | int | None) -> Path | None:
    """A setting as a path; of a folder called 2017 Hydra makes a number."""
    return Path(str(name)) if name not in (None, "") else None


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
