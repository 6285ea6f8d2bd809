"""Reads data sets in COCO's format: one JSON file beside a folder of images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backbone.errors import InputError, check_choice
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_boxes import (
    BAD_BOX_POLICIES,
    XYWH,
    WrittenBoxes,
    check_boxes,
)
from tasks.detection.annotations.ragged import start_offsets
from tasks.detection.layouts.coco_columns import (
    annotation_ids,
    read_classes,
    read_photos,
    used_categories,
)
from tasks.detection.layouts.coco_numbers import Key, indices_of
from tasks.detection.layouts.coco_sections import (
    FROM_OUTLINE,
    WAYS_OUT,
    Section,
    is_number,
    read_sections,
)
from tasks.detection.layouts.segmentations import (
    NO_SEGMENTATION,
    Misfits,
    check_outlines,
    fit_outlines,
)

MOST_OF_ITS_BOX = 2  # an area beyond so many times its box's is no area


def read_coco(
    annotation_file: str | Path,
    image_folder: str | Path | Sequence[Path],
    *,
    on_bad_box: str = "error",
    masks: bool = False,
    exif: str = "apply",
) -> Annotations:
    """Reads a COCO annotation file; an image is opened only where its size is missing.

    Classes come in the order of their category ids. Missing crowd flags count as 0; missing areas
    are those of the boxes, or of the masks if these are read; a missing box is the extent of its
    outline. Annotation id 0, which COCO's evaluators take for "no match", is replaced by an unused
    one. Each of these is noted.

    Args:
        annotation_file: JSON with the sections ``images``, ``annotations`` and ``categories``.
        image_folder: The folder that each ``file_name`` is relative to, or several of which one is.
        on_bad_box: See ``check_boxes``; with masks, ``check_outlines`` too.
        masks: Whether to read the ``segmentation`` of each annotation, which then must have one.
        exif: See ``Reading``.

    Raises:
        InputError: If a file, section, key or reference is missing, malformed or repeated, naming
            the file and the id.
    """
    check_choice("data.on_bad_box", on_bad_box, allowed=BAD_BOX_POLICIES)
    source = Path(annotation_file)
    given = [image_folder] if isinstance(image_folder, str | Path) else image_folder
    folders = [Path(folder) for folder in given if Path(folder).is_dir()]
    if not folders:
        raise InputError(f"No image folder at {', '.join(map(str, given))}. {WAYS_OUT}")
    sections = read_sections(source, masks=masks)
    photos = read_photos(sections["images"], folders, exif=exif)
    section = sections.pop("annotations")
    classes, notes = read_classes(sections["categories"], used=used_categories(section))
    columns, order, mended = _read_objects(section, photos.keys, list(classes.ids))
    written = _written_boxes(section, order)
    annotations = Annotations(
        **photos.columns,  # type: ignore[arg-type]  # neither has notes or outlines
        **columns,  # type: ignore[arg-type]
        boxes=_to_corners(written.values),
        label_map=classes,
        folder=photos.folder,
        notes=(*photos.notes, *notes, *mended),
    )
    annotations = _without_odd_areas(annotations, source=source)
    misfits: Misfits = {}
    if masks:
        annotations, misfits = _with_outlines(annotations, section, order)
    del section  # frees what the file was parsed to, the most of the memory
    checked = check_boxes(annotations, written=written, on_bad_box=on_bad_box)
    checked = check_outlines(checked, misfits=misfits, source=source, on_bad_box=on_bad_box)
    return _renumber_zero(checked, source=source)


def _with_outlines(
    annotations: Annotations, section: Section, order: np.ndarray
) -> tuple[Annotations, Misfits]:
    """Adds the outlines, and what is wrong with them."""
    column = section.column("segmentation")
    segmentations = [column[index] or NO_SEGMENTATION for index in order]
    outlines, misfits = fit_outlines(annotations, segmentations)
    return annotations.with_outlines(outlines), misfits


def _read_objects(
    section: Section, image_keys: list[Key], category_keys: list[Key]
) -> tuple[dict[str, np.ndarray], np.ndarray, list[str]]:
    """The columns of ``Annotations`` but the boxes, sorted by image; that order; and notes."""
    ids, notes = annotation_ids(section)
    images, of_images = indices_of(section, "image_id", image_keys)
    classes, of_classes = indices_of(section, "category_id", category_keys)
    order = np.argsort(images, kind="stable")
    columns = {
        "classes": classes[order],
        "crowd": _crowd_flags(section)[order],
        "areas": _areas(section)[order],
        "annotation_ids": ids[order],
        "offsets": start_offsets(np.bincount(images, minlength=len(image_keys))),
    }
    return columns, order, [*notes, *of_images, *of_classes, *_notes(section, columns)]


def _written_boxes(section: Section, order: np.ndarray) -> WrittenBoxes:
    boxes = section.column("bbox")
    rows, malformed = [], {}
    for row, index in enumerate(order):
        box = boxes[index]
        # most are of floats, which takes one step to see
        if (
            type(box) is list
            and len(box) == 4
            and ({*map(type, box)} == {float} or all(map(is_number, box)))
        ):
            rows.append(box)
        else:
            rows.append([np.nan] * 4)
            malformed[row] = f"{box!r:.120}"
    values = np.array(rows, np.float64).reshape(-1, 4)
    return WrittenBoxes(section.source, XYWH, values, malformed)


def _to_corners(boxes_xywh: np.ndarray) -> np.ndarray:
    start, extent = boxes_xywh[:, :2], boxes_xywh[:, 2:]
    with np.errstate(invalid="ignore"):  # infinity minus infinity, found out by check_boxes
        return np.concatenate([start, start + extent], axis=1)


def _crowd_flags(section: Section) -> np.ndarray:
    values = section.column("iscrowd")
    for index, value in enumerate(values):
        if value not in (0, 1, None):
            raise section.refuse(index, f"has {value!r:.80} as iscrowd, which must be 0 or 1")
    return np.array(values, bool)


def _areas(section: Section) -> np.ndarray:
    """The areas given, NaN where there is none that can be one."""
    values = [value if is_number(value) else np.nan for value in section.column("area")]
    areas = np.array(values, np.float64)
    return np.where(np.isfinite(areas) & (areas >= 0), areas, np.nan)


def _without_odd_areas(annotations: Annotations, *, source: Path) -> Annotations:
    """Takes areas of 0, or far beyond their boxes', for missing ones, and notes how many are."""
    extents = annotations.boxes[:, 2:] - annotations.boxes[:, :2]
    with np.errstate(invalid="ignore", over="ignore"):
        own = extents.prod(axis=1)
        real = (own > 0) & (extents > 0).all(axis=1)
        odd = real & ((annotations.areas == 0) | (annotations.areas > MOST_OF_ITS_BOX * own + 1))
    missing = np.isnan(annotations.areas)
    notes = [
        f"{counted(int(count.sum()), 'area', 'areas')} {what} in {source}, measured instead"
        for what, count in (("missing", missing), ("of 0 or beyond its box", odd))
        if count.any()
    ]
    areas = np.where(odd, np.nan, annotations.areas)
    return replace(annotations, areas=areas).with_notes(notes)


def _notes(section: Section, columns: dict[str, np.ndarray]) -> tuple[str, ...]:
    total, where = len(section.entries), f"in {section.source}"
    crowd = columns["crowd"]
    no_flag = sum(value is None for value in section.column("iscrowd"))
    no_box = sum(FROM_OUTLINE in entry for entry in section.entries)
    notes = {
        f"no annotations {where}: there is nothing to detect": total == 0,
        f"only crowd regions {where}: there is nothing to learn from": total and crowd.all(),
        f"{counted(no_flag, 'crowd flag', 'crowd flags')} missing {where}, taken as 0": no_flag,
        f"{counted(no_box, 'box', 'boxes')} missing {where}, taken around the outline": no_box,
    }
    return tuple(note for note, applies in notes.items() if applies)


def _renumber_zero(annotations: Annotations, *, source: Path) -> Annotations:
    zero = annotations.annotation_ids == 0
    if not zero.any():
        return annotations
    unused = max(int(annotations.annotation_ids.max()), 0) + 1
    ids = np.where(zero, unused, annotations.annotation_ids)
    note = f"1 annotation id changed in {source}: 0 to {unused}, as COCO's evaluators lose id 0"
    return replace(annotations, annotation_ids=ids).with_notes([note])
