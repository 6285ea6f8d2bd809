"""The boxes of a detection data set, checked, in arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.mask import area

from tasks.common.data.labels import LabelMap
from tasks.common.report import counted
from tasks.detection.annotations.outlines import Outlines, Rle
from tasks.detection.annotations.ragged import select_lists, start_offsets

MOST_NAMED = 10  # classes, in a note


@dataclass(frozen=True, eq=False)
class Annotations:
    """Images with their boxes, ``N`` images and ``M`` boxes.

    Arrays throughout: Python objects per box would be copied, page by page, into every worker.

    Attributes:
        image_ids: The data set's own ids, int64, or text where it has text, ``(N,)``.
        file_names: Relative to ``folder``, ``(N,)``.
        sizes: Width and height, int64 ``(N, 2)``.
        boxes: Pixels of the original image, ``(x0, y0, x1, y1)``, float64 ``(M, 4)``.
        classes: Index into ``label_map``, int64 ``(M,)``.
        crowd: Whether a box is to be ignored, in training and in scoring, bool ``(M,)``.
        areas: Of the object in square pixels, which may be less than its box's, float64 ``(M,)``.
        annotation_ids: The data set's own ids, int64 ``(M,)``.
        offsets: Image ``i`` has the rows ``offsets[i]`` to ``offsets[i + 1]``, int64 ``(N + 1,)``.
        label_map: The classes.
        folder: Where the images are.
        notes: What was repaired, dropped or skipped: how many, then a colon and which.
        outlines: Of each object; None where no masks are wanted.
        numbered: Whether the ids of images are numbers of ours, which nobody else knows.
    """

    image_ids: np.ndarray
    file_names: np.ndarray
    sizes: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    annotation_ids: np.ndarray
    offsets: np.ndarray
    label_map: LabelMap
    folder: Path
    notes: tuple[str, ...] = ()
    outlines: Outlines | None = None
    numbered: bool = False

    def __len__(self) -> int:
        return len(self.image_ids)

    def path(self, index: int) -> Path:
        """The file of an image."""
        return self.folder / str(self.file_names[index])

    def paths(self) -> list[Path]:
        """The files of all images."""
        return [self.path(index) for index in range(len(self))]

    def rows(self, index: int) -> slice:
        """Selects an image's part of ``boxes``, ``classes``, ``crowd``, ``areas`` and their ids."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def rle(self, row: int) -> Rle:
        """The mask of an object, which needs outlines."""
        assert self.outlines is not None
        width, height = self.sizes[np.searchsorted(self.offsets, row, side="right") - 1].tolist()
        return self.outlines.rle(row, size=(width, height))

    def segmentation(self, row: int) -> dict[str, Rle]:
        """The same as ``segmentation``, fit for JSON; nothing where there are no outlines."""
        if self.outlines is None:
            return {}
        rle = self.rle(row)
        return {"segmentation": rle | {"counts": rle["counts"].decode("ascii")}}

    def objects(self, index: int) -> list[dict[str, Any]]:
        """An image's objects as COCO's results have them, with their names; without crowds."""
        rows, classes = self.rows(index), self.label_map
        boxes_xywh = self.boxes[rows].copy()
        boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
        columns = zip(
            range(rows.start, rows.stop),
            self.classes[rows].tolist(),
            boxes_xywh.tolist(),
            self.crowd[rows].tolist(),
            strict=True,
        )
        return [
            {"category_id": classes.ids[label], "name": classes.names[label], "bbox": box}
            | self.segmentation(row)
            for row, label, box, crowd in columns
            if not crowd
        ]

    def unseen_classes(self) -> list[str]:
        """A note on the classes that no object is of; none where all are shown."""
        shown = np.bincount(self.classes[~self.crowd], minlength=len(self.label_map))
        unseen = [self.label_map.names[label] for label in np.flatnonzero(shown == 0)]
        if not unseen:
            return []
        total = counted(len(unseen), "class", "classes")
        more = ", ..." if len(unseen) > MOST_NAMED else ""
        return [f"{total} without a box to train on: {', '.join(unseen[:MOST_NAMED])}{more}"]

    def image_of_row(self) -> np.ndarray:
        """The index of the image that each box belongs to, int64 ``(M,)``."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def select(self, indices: Sequence[int] | np.ndarray) -> "Annotations":
        """The images at these indices, in this order, with their boxes."""
        indices = np.asarray(indices, np.int64)
        rows, offsets = select_lists(self.offsets, indices)
        return replace(
            self._with_rows(rows),
            image_ids=self.image_ids[indices],
            file_names=self.file_names[indices],
            sizes=self.sizes[indices],
            offsets=offsets,
        )

    def without_images(self, indices: Sequence[int] | np.ndarray) -> "Annotations":
        """All images but those at these indices."""
        return self.select(np.delete(np.arange(len(self)), np.asarray(indices, np.int64)))

    def with_boxes(self, boxes: np.ndarray, *, keep: np.ndarray) -> "Annotations":
        """Replaces all boxes, then leaves out those where ``keep``, bool ``(M,)``, is false."""
        counts = np.bincount(self.image_of_row()[keep], minlength=len(self))
        return replace(
            replace(self, boxes=boxes)._with_rows(np.flatnonzero(keep)),
            offsets=start_offsets(counts),
        )

    def with_outlines(self, outlines: Outlines) -> "Annotations":
        """Adds outlines, and their areas where there are none."""
        outlined = replace(self, outlines=outlines, areas=self.areas.copy())
        for row in np.flatnonzero(np.isnan(outlined.areas)):
            outlined.areas[row] = area(outlined.rle(int(row)))
        return outlined

    def without_crowds(self) -> "Annotations":
        """The same with crowds taken as objects, and a note on how many."""
        if not self.crowd.any():
            return self
        total = counted(int(self.crowd.sum()), "box", "boxes")
        note = f"{total} marked as crowds or difficult taken as objects: data.crowds=objects"
        return replace(self, crowd=np.zeros_like(self.crowd)).with_notes([note])

    def with_notes(self, notes: Iterable[str]) -> "Annotations":
        """Adds notes."""
        return replace(self, notes=(*self.notes, *notes))

    def _with_rows(self, rows: np.ndarray) -> "Annotations":
        names = ("boxes", "classes", "crowd", "areas", "annotation_ids")
        outlines = None if self.outlines is None else self.outlines.select(rows)
        columns = {name: getattr(self, name)[rows] for name in names}
        return replace(self, outlines=outlines, **columns)


def list_annotations(annotations: Annotations, rows: np.ndarray) -> str:
    """These annotations by their ids and their images'."""
    images = annotations.image_ids[annotations.image_of_row()[rows]]
    pairs = zip(annotations.annotation_ids[rows], images, strict=True)
    return ", ".join(f"annotation {number} of image {image}" for number, image in pairs)
