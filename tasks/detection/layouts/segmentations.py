"""Reads COCO's ``segmentation``: polygons, or runs of pixels, compressed or not."""

import math
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from backbone.errors import InputError
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations, list_annotations
from tasks.detection.annotations.bad_boxes import TOLERANCE_PX, bad_annotations_message
from tasks.detection.annotations.outlines import Outlines, runs_to_mask
from tasks.detection.annotations.ragged import start_offsets

MALFORMED = "neither a list of polygons nor an RLE"
MISSING = "needed for masks"
ODD_COUNT = "of an odd count of numbers"
TOO_FEW = "of under three points"
NOT_FINITE = "not finite"
NO_AREA = "without area"
OUTSIDE = "outside the image"
OTHER_SIZE = "for an image of another size"
NOT_FILLING = "of runs that do not fill their image"

LARGEST_GROUPS = 7  # of five bits: enough for an image of 2**34 pixels


class Segmentation(NamedTuple):
    """What an annotation's ``segmentation`` says, small enough to keep a million of.

    Attributes:
        parts: Polygons, or one list of runs.
        size: Height and width of the mask that the runs make; None for polygons.
        defect: What is wrong with it, if anything.
        written: How the file has it, if something is wrong.
    """

    parts: Sequence[array] = ()
    size: tuple[int, int] | None = None
    defect: str = ""
    written: str = ""

    def describe(self) -> str:
        """The segmentation as the file has it, or at least its numbers."""
        return self.written or f"{[part.tolist() for part in self.parts]!r:.80}"

    def extent(self) -> list[float]:
        """The box around it: x, y, width, height in pixels; there must be no defect."""
        if self.size:
            height, width = self.size
            mask = runs_to_mask(np.array(self.parts[0]), size=(width, height))
            return [float(side) for side in cv2.boundingRect(mask)]
        points = np.concatenate(self.parts).reshape(-1, 2)
        low, high = points.min(axis=0), points.max(axis=0)
        return [*low.tolist(), *(high - low).tolist()]


NO_SEGMENTATION = Segmentation(defect=MISSING, written="None")
# By annotation id, what is wrong with its segmentation and how the file has it.
Misfits = Mapping[int, tuple[str, str]]


def parse_segmentation(value: Any) -> Segmentation:
    """Takes the numbers out of the parsed JSON of one ``segmentation``."""
    if value in (None, []):
        defect, parsed = MISSING, NO_SEGMENTATION
    elif isinstance(value, list):
        defect, parsed = _parse_polygons(value)
    elif isinstance(value, dict):
        defect, parsed = _parse_runs(value)
    else:
        defect, parsed = MALFORMED, Segmentation()
    return Segmentation(defect=defect, written=f"{value!r:.80}") if defect else parsed


def _parse_polygons(polygons: list[Any]) -> tuple[str, Segmentation]:
    parts = []
    for polygon in polygons:
        if type(polygon) is not list or not set(map(type, polygon)) <= {int, float}:
            return MALFORMED, Segmentation()
        try:
            part = array("d", polygon)
        except OverflowError:  # a whole number of hundreds of digits
            return NOT_FINITE, Segmentation()
        if defect := _polygon_defect(part):
            return defect, Segmentation()
        parts.append(part)
    return "", Segmentation(parts)


def _polygon_defect(polygon: array) -> str:
    if len(polygon) % 2:
        return ODD_COUNT
    if len(polygon) < 6:
        return TOO_FEW
    # the sum is one step for almost all, and finite if each of them is, unless it overflows
    finite = math.isfinite(sum(polygon)) or all(map(math.isfinite, polygon))
    return "" if finite else NOT_FINITE


def _parse_runs(rle: dict[str, Any]) -> tuple[str, Segmentation]:
    size, counts = rle.get("size"), rle.get("counts")
    if type(size) is not list or len(size) != 2 or set(map(type, size)) != {int}:
        return MALFORMED, Segmentation()
    try:
        runs = decode_counts(counts) if isinstance(counts, str) else _whole_numbers(counts)
    except ValueError:
        return MALFORMED, Segmentation()
    if runs.min(initial=0) < 0 or runs.sum() != size[0] * size[1]:
        return NOT_FILLING, Segmentation()
    if not runs[1::2].any():
        return NO_AREA, Segmentation()
    return "", Segmentation([array("d", runs.tolist())], (size[0], size[1]))


def _whole_numbers(counts: Any) -> np.ndarray:
    if type(counts) is not list or not counts or set(map(type, counts)) != {int}:
        raise ValueError
    return np.array([min(count, 2**40) for count in counts], np.int64)


def decode_counts(text: str) -> np.ndarray:
    """Lengths of runs from COCO's compressed form, int64.

    A number is written five bits a letter, the lowest first, from ``0`` on; 32 marks that more
    follow and 16, in the last, a negative number. From the fourth number on it is the difference
    to the one before the last. What pycocotools would read past the end of is refused here.

    Raises:
        ValueError: If the text is no such form.
    """
    codes = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - 48
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError
    last = (codes & 32) == 0
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    groups = np.diff(np.concatenate([starts, [len(codes)]]))
    if groups.max() > LARGEST_GROUPS:
        raise ValueError
    place = np.arange(len(codes)) - np.repeat(starts, groups)
    runs = np.add.reduceat((codes & 31) << (5 * place), starts)
    runs -= ((codes[last] & 16) > 0).astype(np.int64) << (5 * groups)
    for first in (1, 2):
        runs[first::2] = np.cumsum(runs[first::2])
    return runs


def fit_outlines(
    annotations: Annotations, segmentations: Sequence[Segmentation]
) -> tuple[Outlines, Misfits]:
    """The outlines of all objects, without parts where there is no sense in them.

    Args:
        annotations: The objects, without outlines.
        segmentations: One for each.
    """
    sizes = annotations.sizes[annotations.image_of_row()]
    fitting, defects = list(segmentations), {}
    for row, segmentation in enumerate(segmentations):
        other_size = segmentation.size and segmentation.size != tuple(sizes[row, ::-1].tolist())
        if segmentation.defect or other_size:
            defects[row] = segmentation.defect or OTHER_SIZE
            fitting[row] = NO_SEGMENTATION
    outlines = _join(fitting)
    defects |= dict.fromkeys(_rows_outside(outlines, sizes), OUTSIDE)
    ids = annotations.annotation_ids.tolist()
    misfits = {ids[row]: (defects[row], segmentations[row].describe()) for row in sorted(defects)}
    return outlines, misfits


def _rows_outside(outlines: Outlines, sizes: np.ndarray) -> list[int]:
    """The objects of which a polygon leaves the image, whose width and height are ``(M, 2)``."""
    rows = np.flatnonzero(~outlines.in_runs)
    polygons = outlines.select(rows)
    if not len(polygons.values):
        return []
    points, starts = polygons.values.reshape(-1, 2), polygons.parts[:-1] // 2
    row = np.repeat(rows, np.diff(polygons.offsets))  # of each polygon
    low, high = (extreme.reduceat(points, starts) for extreme in (np.minimum, np.maximum))
    outside = (low < -TOLERANCE_PX) | (high > sizes[row] + TOLERANCE_PX)
    found: list[int] = np.unique(row[outside.any(axis=1)]).tolist()
    return found


def _join(segmentations: Sequence[Segmentation]) -> Outlines:
    parts = [part for segmentation in segmentations for part in segmentation.parts]
    return Outlines(
        values=np.frombuffer(b"".join(parts), np.float64),
        parts=start_offsets(np.array([len(part) for part in parts], np.int64)),
        offsets=start_offsets(np.array([len(s.parts) for s in segmentations], np.int64)),
        in_runs=np.array([s.size is not None for s in segmentations], bool),
    )


def check_outlines(
    annotations: Annotations,
    *,
    misfits: Misfits,
    source: Path,
    on_bad_box: str,
) -> Annotations:
    """Leaves no object without a mask inside its image.

    Up to ``TOLERANCE_PX`` outside is no fault, and nothing has to be cut: what is outside is never
    drawn.

    Args:
        annotations: With outlines.
        misfits: What is wrong, by annotation id.
        source: The file.
        on_bad_box: What to do with a bad one: ``error``; ``drop``; or ``clip``, which keeps those
            that are partly inside and drops the others.

    Raises:
        InputError: At the first bad one under ``error``.
    """
    bad = np.flatnonzero(np.isin(annotations.annotation_ids, list(misfits)))
    if not len(bad):
        return annotations
    found = [misfits[int(number)] for number in annotations.annotation_ids[bad]]
    if on_bad_box == "error":
        defect, written = found[0]
        raise InputError(
            bad_annotations_message(
                annotations,
                bad,
                first=f"the segmentation {written}, which is {defect}",
                nouns=("segmentation", "segmentations"),
                source=source,
            )
        )
    defects = np.array([defect for defect, _ in found])
    clipped = np.array(
        [on_bad_box == "clip" and _is_partly_inside(annotations, row) for row in bad.tolist()]
    )
    notes = [
        note
        for done, which in (("clipped", clipped), ("dropped", ~clipped))
        for note in _notes(annotations, bad[which], defects[which], done=done, source=source)
    ]
    keep = np.ones(len(annotations.boxes), bool)
    keep[bad[~clipped]] = False
    return annotations.with_boxes(annotations.boxes, keep=keep).with_notes(notes)


def _is_partly_inside(annotations: Annotations, row: int) -> bool:
    assert annotations.outlines is not None
    size = annotations.sizes[np.searchsorted(annotations.offsets, row, side="right") - 1]
    return any(
        (polygon.max(axis=0) > 0).all() and (polygon.min(axis=0) < size).all()
        for polygon in annotations.outlines.polygons(row, size=tuple(size.tolist()))
    )


def _notes(
    annotations: Annotations, rows: np.ndarray, defects: np.ndarray, *, done: str, source: Path
) -> list[str]:
    notes = []
    for defect in np.unique(defects):
        which = rows[defects == defect]
        total = counted(len(which), "segmentation", "segmentations")
        ids = list_annotations(annotations, which)
        notes.append(f"{total} {done}, {defect}, in {source}: {ids}")
    return notes
