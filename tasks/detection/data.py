"""COCO and VOC folders as training data for detectors."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.data.loader import Loader
from tasks.common.data.module import Collate, DataModule
from tasks.common.data.sampling import ShardSampler
from tasks.common.data.spread import covering
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_images import check_images
from tasks.detection.augmentation import recipes
from tasks.detection.augmentation.recipes import DetectionAugmentation
from tasks.detection.batches import collate
from tasks.detection.demo.scenes import write_scenes
from tasks.detection.layouts.coco import read_coco
from tasks.detection.layouts.voc import read_voc, voc_label_map, voc_splits
from tasks.detection.samples import DetectionSet, PhotoSet
from tasks.detection.tiles import Tiles, TileSet, collate_tiles


class DetectionData(DataModule):
    """Photos with boxes for training and validation.

    Args:
        augmentation: Makes the training augmentation for an image size: ``recipes.paper`` or
            ``recipes.strong``.
        on_bad_box: ``error``, ``drop`` or ``clip``.
        on_bad_image: ``error`` or ``skip``.
        masks: Whether the task needs masks; batches then have ``masks`` too.
        **loading: See ``DataModule``.
    """

    default_image_size = 300

    def __init__(
        self,
        *,
        augmentation: Callable[[int], DetectionAugmentation],
        on_bad_box: str,
        on_bad_image: str,
        masks: bool = False,
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        self.augmentation = augmentation
        self.on_bad_box = on_bad_box
        self.on_bad_image = on_bad_image
        self.masks = masks
        self.has_tiles = not masks  # which would have to be joined
        self._train: Annotations | None = None
        self._val: Annotations | None = None

    @abstractmethod
    def read(self, split: str) -> Annotations:
        """The annotations of ``train`` or ``val``."""

    @property
    def train_annotations(self) -> Annotations:
        """Checked annotations of the training photos, read once."""
        if self._train is None:
            self._train = check_images(self.read("train"), on_bad_image=self.on_bad_image)
        return self._train

    @property
    def val_annotations(self) -> Annotations:
        """Checked annotations of the validation photos, read once."""
        if self._val is None:
            self._val = check_images(self.read("val"), on_bad_image=self.on_bad_image)
        return self._val

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
            masks=self.masks,
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

    def train_photo(self, index: int) -> tuple[int, Path]:
        annotations = self.train_annotations
        return int(annotations.image_ids[index]), annotations.path(index)

    def val_photo(self, index: int) -> tuple[Path, dict[str, Any]]:
        """A validation photo and its boxes; crowds are left out."""
        annotations = self.val_annotations
        rows = annotations.rows(index)
        classes = annotations.label_map
        boxes_xywh = annotations.boxes[rows].copy()
        boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
        columns = zip(
            range(rows.start, rows.stop),
            annotations.classes[rows].tolist(),
            boxes_xywh.tolist(),
            annotations.crowd[rows].tolist(),
            strict=True,
        )
        return annotations.path(index), {
            "detections": [
                {"category_id": classes.ids[label], "name": classes.names[label], "bbox": box}
                | annotations.segmentation(row)
                for row, label, box, crowd in columns
                if not crowd
            ]
        }

    def telling_photos(self, count: int, *, among: int) -> list[int]:
        """Those that together show all classes."""
        annotations = self.val_annotations
        photos = annotations.image_of_row()
        objects = ~annotations.crowd & (photos < among)
        return covering(photos[objects], annotations.classes[objects], count, among=among)

    @property
    def collate(self) -> Collate:
        return partial(collate, image_size=self.image_size)

    def report_lines(self) -> list[str]:
        """Counts and repairs of the splits that were read."""
        lines = []
        for split, annotations in (("train", self._train), ("val", self._val)):
            if annotations is not None:
                boxes = len(annotations.boxes)
                lines.append(f"{split}: {len(annotations)} photos, {boxes} boxes")
                lines += [f"  {note}" for note in annotations.notes]
        return lines


class CocoData(DetectionData):
    """A COCO folder, or four paths to its parts.

    Args:
        root: Has ``annotations/instances_train*.json``, ``train*/`` and the same for ``val``.
        train_images: Folder of the training photos, instead of the one under ``root``.
        train_annotations: Their JSON file.
        val_images: Folder of the validation photos.
        val_annotations: Their JSON file.
        **detection: See ``DetectionData``.
    """

    def __init__(
        self,
        *,
        root: str | None,
        train_images: str | None = None,
        train_annotations: str | None = None,
        val_images: str | None = None,
        val_annotations: str | None = None,
        **detection: Any,
    ) -> None:
        super().__init__(**detection)
        self.root = _path(root)
        self.parts = {
            "train": (_path(train_annotations), _path(train_images)),
            "val": (_path(val_annotations), _path(val_images)),
        }

    def read(self, split: str) -> Annotations:
        file, folder = self.parts[split]
        return read_coco(
            file or self._find(f"annotations/instances_{split}*.json", split),
            folder or self._find(f"{split}*/", split),
            on_bad_box=self.on_bad_box,
            masks=self.masks,
        )

    def _find(self, pattern: str, split: str) -> Path:
        ways_out = (
            "Ways out: data.root=DIR with a COCO folder (tools/prepare.py dataset=coco root=DIR "
            f"fetches it); data.{split}_images=DIR data.{split}_annotations=FILE; or data=demo, "
            "which needs no data."
        )
        if self.root is None:
            raise InputError(f"No data: data.root is not set. {ways_out}")
        found = sorted(self.root.glob(pattern))
        if len(found) == 1:
            return found[0]
        problem = f"{len(found)} match: {', '.join(map(str, found))}" if found else "there is none"
        where = self.root.absolute()
        raise InputError(f"Looked for {pattern} in {where}, but {problem}. {ways_out}")


class VocData(DetectionData):
    """A VOC folder with ``Annotations``, ``ImageSets/Main`` and ``JPEGImages``.

    Args:
        root: The folder, such as ``VOCdevkit/VOC2007``.
        train_split: List to train on; None for ``trainval`` if there is a ``test``, or ``train``.
        val_split: List to validate on; None for ``test``, or else ``val``.
        **detection: See ``DetectionData``.
    """

    def __init__(
        self,
        *,
        root: str | None,
        train_split: str | None = None,
        val_split: str | None = None,
        **detection: Any,
    ) -> None:
        super().__init__(**detection)
        if self.masks:
            raise InputError(
                "data=voc: a VOC folder has boxes only, and this task needs masks. Give the data "
                "in COCO's format with data=coco, or choose a task without masks"
            )
        self.root = _path(root)
        self.splits = {"train": train_split, "val": val_split}
        self._classes: LabelMap | None = None

    def read(self, split: str) -> Annotations:
        if self.root is None:
            raise InputError(
                "No data: data.root is not set. Ways out: data.root=DIR with a VOC folder "
                "(tools/prepare.py dataset=voc2007 root=DIR fetches one), or data=demo, which "
                "needs no data."
            )
        root = self.root
        name = (
            self.splits[split] or dict(zip(("train", "val"), voc_splits(root), strict=True))[split]
        )
        if self._classes is None:
            self._classes = voc_label_map(root)
        return read_voc(root, split=str(name), label_map=self._classes, on_bad_box=self.on_bad_box)


def _path(name: str | int | None) -> Path | None:
    """A setting as a path; of a folder called 2017 Hydra makes a number."""
    return Path(str(name)) if name not in (None, "") else None


class DemoScenes(CocoData):
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

    def read(self, split: str) -> Annotations:
        self.prepare_data()  # what is there is not drawn again
        return super().read(split)
