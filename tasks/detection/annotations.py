"""The boxes of a detection data set, checked, in arrays."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

import numpy as np

from backbone.errors import InputError
from tasks.common.images import check_image, read_image
from tasks.common.labels import LabelMap

BAD_BOX_POLICIES = ("error", "drop", "clip")
BAD_IMAGE_POLICIES = ("error", "skip")

# Rounded coordinates, and those counted from 1 where we count from 0, miss an edge by this much.
TOLERANCE_PX = 1.0

# What can be wrong with a box; the code of a defect is its index, 0 is none.
DEFECTS = ("", "not four numbers", "not finite", "without area", "outside the image")
MALFORMED, NOT_FINITE, NO_AREA, OUTSIDE = 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class Annotations:
    """Images with their boxes, ``N`` images and ``M`` boxes.

    Arrays throughout: Python objects per box would be copied, page by page, into every worker.

    Attributes:
        image_ids: The data set's own ids, int64 ``(N,)``.
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

    def __len__(self) -> int:
        return len(self.image_ids)

    def path(self, index: int) -> Path:
        """The file of an image."""
        return self.folder / str(self.file_names[index])

    def rows(self, index: int) -> slice:
        """Selects an image's part of ``boxes``, ``classes``, ``crowd``, ``areas`` and their ids."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def image_of_row(self) -> np.ndarray:
        """The index of the image that each box belongs to, int64 ``(M,)``."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def select(self, indices: Sequence[int] | np.ndarray) -> "Annotations":
        """The images at these indices, in this order, with their boxes."""
        indices = np.asarray(indices, np.int64)
        counts = np.diff(self.offsets)[indices]
        offsets = start_offsets(counts)
        rows = np.repeat(self.offsets[indices] - offsets[:-1], counts) + np.arange(offsets[-1])
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

    def with_notes(self, notes: Iterable[str]) -> "Annotations":
        """Adds notes."""
        return replace(self, notes=(*self.notes, *notes))

    def _with_rows(self, rows: np.ndarray) -> "Annotations":
        names = ("boxes", "classes", "crowd", "areas", "annotation_ids")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


@dataclass(frozen=True, eq=False)
class WrittenBoxes:
    """Boxes as their file gives them, for messages in the words of that file.

    Attributes:
        source: The file, or the folder of files.
        form: What the four numbers are, such as ``x, y, width, height``.
        values: The numbers, NaN where there are not four, float64 ``(M, 4)``.
        malformed: The text of each box that is not four numbers, by row.
    """

    source: Path
    form: str
    values: np.ndarray
    malformed: Mapping[int, str]

    def describe(self, row: int) -> str:
        """The box in a row, as it is written."""
        return self.malformed.get(row) or f"[{', '.join(f'{v:.12g}' for v in self.values[row])}]"


def start_offsets(counts: np.ndarray) -> np.ndarray:
    """Where each image's boxes start, and the last one's end: counts ``(N,)`` to ``(N + 1,)``."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def check_file_name(name: object, *, source: str) -> None:
    """Refuses an image's name that does not stay inside the image folder.

    Args:
        name: As the file gives it.
        source: Where it was read, for the message.

    Raises:
        InputError: If it is no text, absolute, or holds ``..``.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise InputError(f"{source}: the image's file name is {name!r}, not a name")
    path = PureWindowsPath(name)  # splits at both kinds of slash and knows drive letters
    if path.anchor or ".." in path.parts:
        raise InputError(
            f"{source}: the file name {name!r} leads out of the image folder; "
            "write it relative to that folder and without '..'"
        )


def check_policy(name: str, value: str, *, allowed: Sequence[str]) -> None:
    """Raises an InputError unless a setting has one of its allowed values."""
    if value not in allowed:
        raise InputError(f"{name}={value} is unknown; it can be {' or '.join(allowed)}")


def check_boxes(annotations: Annotations, *, written: WrittenBoxes, on_bad_box: str) -> Annotations:
    """Makes every box finite, with area and inside its image.

    Up to ``TOLERANCE_PX`` outside is clipped under every policy, and noted. Areas that are NaN are
    filled with the area of the box.

    Args:
        annotations: As read, boxes unchecked.
        written: The same boxes as their file gives them.
        on_bad_box: What to do with any other bad box: ``error``; ``drop``; or ``clip``, which cuts
            it to its image and drops it if it is not finite or nothing is left.

    Raises:
        InputError: At the first bad box under ``error``.
    """
    check_policy("data.on_bad_box", on_bad_box, allowed=BAD_BOX_POLICIES)
    limits = np.tile(annotations.sizes[annotations.image_of_row()], 2)
    clipped = np.clip(annotations.boxes, 0, limits)
    defects = _find_defects(annotations.boxes, clipped=clipped)
    defects[list(written.malformed)] = MALFORMED
    if on_bad_box == "error" and defects.any():
        raise InputError(_bad_box_message(annotations, defects, written=written))
    mended = (defects == OUTSIDE) & _has_area(clipped) & (on_bad_box == "clip")
    moved = (defects == 0) & (clipped != annotations.boxes).any(axis=1)
    notes = [
        *_note_tolerated(moved, source=written.source),
        *_note_defects(annotations, defects * mended, done="clipped", source=written.source),
        *_note_defects(annotations, defects * ~mended, done="dropped", source=written.source),
    ]
    checked = annotations.with_boxes(clipped, keep=(defects == 0) | mended).with_notes(notes)
    own = (checked.boxes[:, 2:] - checked.boxes[:, :2]).prod(axis=1)
    return replace(checked, areas=np.where(np.isnan(checked.areas), own, checked.areas))


def _has_area(boxes: np.ndarray) -> np.ndarray:
    return np.all(boxes[:, 2:] > boxes[:, :2], axis=1)


def _find_defects(boxes: np.ndarray, *, clipped: np.ndarray) -> np.ndarray:
    """The code of each box's defect, int64 ``(M,)``."""
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        inside = (np.abs(boxes - clipped) <= TOLERANCE_PX).all(axis=1) & _has_area(clipped)
    return np.select(
        [~np.isfinite(boxes).all(axis=1), ~_has_area(boxes), ~inside],
        [NOT_FINITE, NO_AREA, OUTSIDE],
        default=0,
    )


def _bad_box_message(
    annotations: Annotations, defects: np.ndarray, *, written: WrittenBoxes
) -> str:
    bad = np.flatnonzero(defects)
    row = int(bad[0])
    image = annotations.image_of_row()[row]
    width, height = annotations.sizes[image]
    more = counted(len(bad) - 1, "more box is", "more boxes are")
    others = f" {more} bad." if len(bad) > 1 else ""
    return (
        f"{written.source}: annotation {annotations.annotation_ids[row]} of image "
        f"{annotations.image_ids[image]} ({annotations.file_names[image]}, {width}x{height}) has "
        f"the box {written.describe(row)} ({written.form}), which is {DEFECTS[defects[row]]}."
        f"{others} Correct the file, or set data.on_bad_box=drop to leave such boxes out, "
        "or data.on_bad_box=clip to cut them to their images"
    )


def _note_tolerated(moved: np.ndarray, *, source: Path) -> list[str]:
    if not moved.any():
        return []
    return [f"{counted(moved.sum(), 'box', 'boxes')} clipped by at most a pixel in {source}"]


def _note_defects(
    annotations: Annotations, defects: np.ndarray, *, done: str, source: Path
) -> list[str]:
    image_ids = annotations.image_ids[annotations.image_of_row()]
    notes = []
    for code in np.unique(defects[defects > 0]):
        rows = np.flatnonzero(defects == code)
        pairs = zip(annotations.annotation_ids[rows], image_ids[rows], strict=True)
        which = ", ".join(f"annotation {box} of image {image}" for box, image in pairs)
        total = counted(len(rows), "box", "boxes")
        notes.append(f"{total} {done}, {DEFECTS[code]}, in {source}: {which}")
    return notes


def counted(number: int, one: str, many: str) -> str:
    """A number and its noun: ``1 box``, ``2 boxes``."""
    return f"{number} {one if number == 1 else many}"


def check_images(annotations: Annotations, *, on_bad_image: str = "error") -> Annotations:
    """Checks that every image can be read and has the size its annotations were made for.

    Args:
        annotations: The images to check.
        on_bad_image: ``error``, which looks at the beginning and end of each file, or ``skip``,
            which decodes each one, so that none can fail later, and leaves out the bad ones.

    Raises:
        InputError: If images are bad under ``error``, or no good one is left.
    """
    check_policy("data.on_bad_image", on_bad_image, allowed=BAD_IMAGE_POLICIES)
    decode = on_bad_image == "skip"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(
            lambda index: _image_problem(annotations, index, decode=decode),
            range(len(annotations)),
        )
        bad = {index: problem for index, problem in enumerate(problems) if problem}
    if not bad:
        return annotations
    if not decode or len(bad) == len(annotations):
        raise InputError(_bad_images_message(annotations, bad))
    notes = [f"1 image skipped: {problem}" for problem in bad.values()]
    return annotations.without_images(list(bad)).with_notes(notes)


def _image_problem(annotations: Annotations, index: int, *, decode: bool) -> str | None:
    """What is wrong with an image, or None."""
    path = annotations.path(index)
    try:
        size = read_image(path).size if decode else check_image(path)
    except InputError as error:
        return f"image {annotations.image_ids[index]}: {error}"
    declared = tuple(annotations.sizes[index].tolist())
    if size == declared:
        return None
    cause = "so its boxes would be wrong"
    if size == declared[::-1]:
        cause = "width and height swapped: they were made without the Exif rotation"
    return (
        f"image {annotations.image_ids[index]}: {path} is {size[0]}x{size[1]} but its "
        f"annotations are for {declared[0]}x{declared[1]}, {cause}"
    )


def _bad_images_message(annotations: Annotations, bad: Mapping[int, str], shown: int = 5) -> str:
    lines = list(bad.values())[:shown]
    if len(bad) > shown:
        lines.append(f"and {len(bad) - shown} more")
    advice = "Repair them, or set data.on_bad_image=skip to leave them out"
    if len(bad) == len(annotations):
        advice = "That is all of them: check the folder"
    total = f"{len(bad)} of {counted(len(annotations), 'image', 'images')}"
    return "\n  ".join([f"{total} in {annotations.folder} cannot be used:", *lines]) + f"\n{advice}"
