"""Boxes that cannot be right, and what to do about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backbone.errors import InputError, check_choice
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations, list_annotations
from tasks.detection.annotations.other_forms import looks_like_corners, refuse_shares

BAD_BOX_POLICIES = ("error", "drop", "clip")
XYWH, CORNERS = "x, y, width, height", "xmin, ymin, xmax, ymax"

# Rounded coordinates, and those counted from 1 where we count from 0, miss an edge by this much.
TOLERANCE_PX = 1.0

# What shares of seven digits, as YOLO has them, are off by is not worth a word.
ROUNDING_PX = 0.01

# What can be wrong with a box; the code of a defect is its index, 0 is none.
DEFECTS = ("", "not four numbers", "not finite", "without area", "outside the image")
MALFORMED, NOT_FINITE, NO_AREA, OUTSIDE = 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class WrittenBoxes:
    """Boxes as their file gives them, for messages in the words of that file.

    Attributes:
        source: The file, or the folder of files.
        form: What the four numbers are, such as ``x, y, width, height``.
        values: The numbers, NaN where there are not four, float64 ``(M, 4)``.
        malformed: The text of each box that is not four numbers, by row.
        shares: Whether they are shares of the photo, not pixels.
    """

    source: Path
    form: str
    values: np.ndarray
    malformed: Mapping[int, str]
    shares: bool = False

    def describe(self, row: int) -> str:
        """The box in a row, as it is written."""
        return self.malformed.get(row) or f"[{', '.join(f'{v:.12g}' for v in self.values[row])}]"


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
        InputError: At the first bad box under ``error``; under each policy if all are in another
            form than they should.
    """
    check_choice("data.on_bad_box", on_bad_box, allowed=BAD_BOX_POLICIES)
    sizes = annotations.sizes[annotations.image_of_row()]
    clipped = np.clip(annotations.boxes, 0, np.tile(sizes, 2))
    defects = _find_defects(annotations.boxes, clipped=clipped)
    defects[list(written.malformed)] = MALFORMED
    _refuse_other_forms(written, sizes=sizes, outside=defects == OUTSIDE)
    if on_bad_box == "error" and defects.any():
        bad = np.flatnonzero(defects)
        first = f"the box {written.describe(bad[0])} ({written.form})"
        turned = written.malformed.get(bad[0], "").count(",") == 4
        hint = "; a fifth number, an angle: rotated boxes are not read" if turned else ""
        raise InputError(
            bad_annotations_message(
                annotations,
                bad,
                first=f"{first}, which is {DEFECTS[defects[bad[0]]]}{hint}",
                nouns=("box", "boxes"),
                source=written.source,
            )
        )
    mended = (defects == OUTSIDE) & _has_area(clipped) & (on_bad_box == "clip")
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        far = np.abs(clipped - annotations.boxes) > ROUNDING_PX
    moved = (defects == 0) & far.any(axis=1)
    notes = [
        *_note_tolerated(moved, source=written.source),
        *_note_defects(annotations, defects * mended, done="clipped", source=written.source),
        *_note_defects(annotations, defects * ~mended, done="dropped", source=written.source),
    ]
    checked = annotations.with_boxes(clipped, keep=(defects == 0) | mended).with_notes(notes)
    own = (checked.boxes[:, 2:] - checked.boxes[:, :2]).prod(axis=1)
    return replace(checked, areas=np.where(np.isnan(checked.areas), own, checked.areas))


def _refuse_other_forms(written: WrittenBoxes, *, sizes: np.ndarray, outside: np.ndarray) -> None:
    if written.shares:
        return
    refuse_shares(written.values, sizes=sizes, source=written.source)
    if written.form == XYWH and looks_like_corners(written.values, sizes=sizes, outside=outside):
        raise InputError(
            f"{written.source}: {outside.sum()} of {len(outside)} boxes are outside their images "
            f"if they are {XYWH}, and none if they are corners ({CORNERS}): they look like corners."
            " Subtract x and y from the last two numbers of each"
        )


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


def bad_annotations_message(
    annotations: Annotations,
    rows: np.ndarray,
    *,
    first: str,
    nouns: tuple[str, str],
    source: Path,
) -> str:
    """The refusal of annotations of which something is bad.

    Args:
        annotations: With the bad ones.
        rows: Which these are.
        first: What the first of them has, and what is wrong with it.
        nouns: What is bad, one of it and several.
        source: Where they were read.
    """
    row = int(rows[0])
    image = annotations.image_of_row()[row]
    width, height = annotations.sizes[image]
    more = counted(len(rows) - 1, f"more {nouns[0]} is", f"more {nouns[1]} are")
    others = f" {more} bad." if len(rows) > 1 else ""
    return (
        f"{source}: annotation {annotations.annotation_ids[row]} of image "
        f"{annotations.image_ids[image]} ({annotations.file_names[image]}, {width}x{height}) has "
        f"{first}.{others} Correct the file, or set data.on_bad_box=drop to leave such "
        "objects out, or data.on_bad_box=clip to cut them to their images"
    )


def _note_tolerated(moved: np.ndarray, *, source: Path) -> list[str]:
    if not moved.any():
        return []
    return [f"{counted(moved.sum(), 'box', 'boxes')} clipped by at most a pixel in {source}"]


def _note_defects(
    annotations: Annotations, defects: np.ndarray, *, done: str, source: Path
) -> list[str]:
    notes = []
    for code in np.unique(defects[defects > 0]):
        rows = np.flatnonzero(defects == code)
        total = counted(len(rows), "box", "boxes")
        which = list_annotations(annotations, rows)
        notes.append(f"{total} {done}, {DEFECTS[code]}, in {source}: {which}")
    return notes
