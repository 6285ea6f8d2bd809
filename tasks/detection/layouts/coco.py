"""Reads data sets in COCO's format: one JSON file beside a folder of images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pycocotools.mask import area

from backbone.errors import InputError, check_choice
from tasks.common.data.labels import LabelMap
from tasks.common.files.names import check_file_name
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_boxes import BAD_BOX_POLICIES, WrittenBoxes, check_boxes
from tasks.detection.annotations.ragged import start_offsets
from tasks.detection.layouts.coco_sections import (
    WAYS_OUT,
    Section,
    is_number,
    read_ids,
    read_indices,
    read_sections,
    whole_numbers,
)
from tasks.detection.layouts.segmentations import (
    NO_SEGMENTATION,
    Misfits,
    check_outlines,
    fit_outlines,
)


def read_coco(
    annotation_file: str | Path,
    image_folder: str | Path,
    *,
    on_bad_box: str = "error",
    masks: bool = False,
) -> Annotations:
    """Reads a COCO annotation file; the images themselves are not opened.

    Classes come in the order of their category ids. Missing crowd flags count as 0; missing areas
    are those of the boxes, or of the masks if these are read. Annotation id 0, which COCO's
    evaluators take for "no match", is replaced by an unused one. Each of these is noted.

    Args:
        annotation_file: JSON with the sections ``images``, ``annotations`` and ``categories``.
        image_folder: The folder that each ``file_name`` is relative to.
        on_bad_box: See ``check_boxes``; with masks, ``check_outlines`` too.
        masks: Whether to read the ``segmentation`` of each annotation, which then must have one.

    Raises:
        InputError: If a file, section, key or reference is missing, malformed or repeated, naming
            the file and the id.
    """
    check_choice("data.on_bad_box", on_bad_box, allowed=BAD_BOX_POLICIES)
    source, folder = Path(annotation_file), Path(image_folder)
    if not folder.is_dir():
        raise InputError(f"No image folder at {folder}. {WAYS_OUT}")
    sections = read_sections(source, masks=masks)
    label_map = _read_categories(sections.pop("categories"))
    images = _read_images(sections.pop("images"))
    section = sections.pop("annotations")
    boxes, written, notes = _read_annotations(
        section, image_ids=images["image_ids"], label_map=label_map
    )
    annotations = Annotations(
        **images,  # type: ignore[arg-type]  # neither has notes or outlines
        **boxes,  # type: ignore[arg-type]
        label_map=label_map,
        folder=folder,
        notes=notes,
    )
    misfits: Misfits = {}
    if masks:
        annotations, misfits = _with_outlines(annotations, section)
    del section  # frees what the file was parsed to, the most of the memory
    checked = check_boxes(annotations, written=written, on_bad_box=on_bad_box)
    checked = check_outlines(checked, misfits=misfits, source=source, on_bad_box=on_bad_box)
    return _renumber_zero(checked, source=source)


def _with_outlines(annotations: Annotations, section: Section) -> tuple[Annotations, Misfits]:
    """Adds the outlines, and their areas where the file gives none."""
    by_id = dict(zip(section.column("id"), section.column("segmentation"), strict=True))
    segmentations = [by_id[number] or NO_SEGMENTATION for number in annotations.annotation_ids]
    outlines, misfits = fit_outlines(annotations, segmentations)
    outlined = replace(annotations, outlines=outlines, areas=annotations.areas.copy())
    for row in np.flatnonzero(np.isnan(outlined.areas)):
        outlined.areas[row] = area(outlined.rle(int(row)))
    return outlined, misfits


def _read_categories(section: Section) -> LabelMap:
    if not section.entries:
        raise InputError(f"{section.source} has no categories")
    ids = read_ids(section)
    names = section.column("name")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise section.refuse(index, f"has the name {name!r}, which must be text")
    order = np.argsort(ids)
    try:
        return LabelMap(tuple(names[i] for i in order), tuple(ids[order].tolist()))
    except InputError as error:
        raise InputError(f"{section.source}: {error}") from error


def _read_images(section: Section) -> dict[str, np.ndarray]:
    if not section.entries:
        raise InputError(f"{section.source} has no images")
    image_ids = read_ids(section)
    names = section.column("file_name")
    for image_id, name in zip(image_ids, names, strict=True):
        check_file_name(name, source=f"{section.source}: image {image_id}")
    sizes = np.stack([whole_numbers(section, key) for key in ("width", "height")], axis=1)
    for index in np.flatnonzero((sizes <= 0).any(axis=1)):
        raise section.refuse(int(index), f"has the size {sizes[index, 0]}x{sizes[index, 1]}")
    return {"image_ids": image_ids, "file_names": np.array(names), "sizes": sizes}


def _read_annotations(
    section: Section, *, image_ids: np.ndarray, label_map: LabelMap
) -> tuple[dict[str, np.ndarray], WrittenBoxes, tuple[str, ...]]:
    """The columns of ``Annotations``, sorted by image, and the same boxes as written."""
    ids = read_ids(section)
    images = read_indices(section, "image_id", image_ids)
    classes = read_indices(section, "category_id", np.array(label_map.ids))
    order = np.argsort(images, kind="stable")
    written = _written_boxes(section, order)
    columns = {
        "boxes": _to_corners(written.values),
        "classes": classes[order],
        "crowd": _crowd_flags(section)[order],
        "areas": _areas(section)[order],
        "annotation_ids": ids[order],
        "offsets": start_offsets(np.bincount(images, minlength=len(image_ids))),
    }
    return columns, written, _notes(section, columns)


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
            malformed[row] = f"{box!r:.80}"
    values = np.array(rows, np.float64).reshape(-1, 4)
    return WrittenBoxes(section.source, "x, y, width, height", values, malformed)


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


def _notes(section: Section, columns: dict[str, np.ndarray]) -> tuple[str, ...]:
    total, where = len(section.entries), f"in {section.source}"
    crowd, areas = columns["crowd"], columns["areas"]
    no_flag = sum(value is None for value in section.column("iscrowd"))
    no_area = int(np.isnan(areas).sum())
    notes = {
        f"no annotations {where}: there is nothing to detect": total == 0,
        f"only crowd regions {where}: there is nothing to learn from": total and crowd.all(),
        f"{counted(no_flag, 'crowd flag', 'crowd flags')} missing {where}, taken as 0": no_flag,
        f"{counted(no_area, 'area', 'areas')} missing {where}, measured instead": no_area,
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
