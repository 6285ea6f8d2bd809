"""From photos with things on them, as any labelling tool has them, to checked annotations."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_boxes import CORNERS, WrittenBoxes, check_boxes
from tasks.detection.annotations.class_names import clean_name, near_names
from tasks.detection.annotations.photo_files import find_photos, measure
from tasks.detection.annotations.ragged import start_offsets
from tasks.detection.layouts.found import Found, Reading, usual_splits
from tasks.detection.layouts.segmentations import (
    check_outlines,
    fit_outlines,
    parse_segmentation,
)


class Thing(NamedTuple):
    """An object as a tool has it.

    Attributes:
        label: Its class.
        corners: ``x0, y0, x1, y1``, in pixels from 0 unless the set says otherwise.
        polygons: Its outline, ``x0, y0, x1, y1 ...`` each, in the same unit; none if it has none.
        ignored: Whether it is neither learnt nor scored.
    """

    label: str
    corners: Sequence[float]
    polygons: Sequence[Sequence[float]] = ()
    ignored: bool = False


class Photo(NamedTuple):
    """A photo as a tool has it.

    Attributes:
        file: Its name, relative to the folder of the set, or almost so.
        things: The objects on it.
        size: Width and height; None to measure.
        remarks: What became of things that are no plain boxes or outlines, to be counted.
    """

    file: str
    things: Sequence[Thing]
    size: tuple[int, int] | None = None
    remarks: Sequence[str] = ()


class Form(NamedTuple):
    """What the numbers of a set mean.

    Attributes:
        words: What the four of a box are.
        shares: Whether they are shares of the photo's width and height, or else pixels.
        first_pixel: Of what number the first pixel is; from 1 on, the last pixel is included.
        notes: What else is to be said of the set.
    """

    words: str = CORNERS
    shares: bool = False
    first_pixel: int = 0
    notes: tuple[str, ...] = ()


Parse = Callable[[], list[Photo]]


def found_photos(
    what: str,
    splits: Mapping[str, Parse],
    *,
    folder: Path,
    source: Path,
    form: Form | Callable[[], Form] = Form(),  # noqa: B008  # it never changes
    classes: Callable[[], LabelMap] | None = None,
    usual: tuple[str | None, str | None] | None = None,
) -> Found:
    """A data set whose splits are lists of photos; they share their classes.

    Args:
        what: See ``Found``.
        splits: How the photos of each are read, which is done once.
        folder: That the names of photos are relative to.
        source: What is named in messages.
        form: What the numbers mean.
        classes: By default those of all objects of all splits, in alphabetical order, ids from 1.
        usual: The splits to train and to validate on, if their names do not tell.
    """
    parsed = {name: cache(parse) for name, parse in splits.items()}
    shared = cache(classes or (lambda: classes_of(photo for p in parsed.values() for photo in p())))

    def read(name: str, reading: Reading) -> Annotations:
        settled = form if isinstance(form, Form) else form()
        return assemble(
            parsed[name](),
            folder=folder,
            source=source,
            classes=shared(),
            form=settled,
            reading=reading,
        )

    train, val = usual or usual_splits(list(splits))
    readers = {name: _bound(read, name) for name in splits}
    return Found(what, readers, train, val)


def _bound(
    read: Callable[[str, Reading], Annotations], name: str
) -> Callable[[Reading], Annotations]:
    return lambda reading: read(name, reading)


def classes_of(photos: Iterable[Photo]) -> LabelMap:
    """The classes of all objects, in alphabetical order with ids from 1.

    Raises:
        InputError: If there are none.
    """
    names = sorted({thing.label.strip() for photo in photos for thing in photo.things})
    if not names:
        raise InputError("No objects in any annotation file: there is nothing to learn")
    return LabelMap(tuple(names), tuple(range(1, len(names) + 1)))


def assemble(
    photos: Sequence[Photo],
    *,
    folder: Path,
    source: Path,
    classes: LabelMap,
    form: Form,
    reading: Reading,
) -> Annotations:
    """Checks photos with their objects; images are numbered from 1, and so are boxes.

    Raises:
        InputError: As ``find_photos``, ``check_boxes`` and ``check_outlines``.
    """
    if not photos:
        raise InputError(f"{source} lists no photos")
    ids = np.arange(1, len(photos) + 1)
    files, notes = find_photos([p.file for p in photos], folder, ids=ids.tolist(), source=source)
    unknown = sum(photo.size is None and bool(photo.things) for photo in photos)
    sizes = np.array([photo.size or (0, 0) for photo in photos], np.int64).reshape(-1, 2)
    sizes = measure(sizes, [folder / file for file in files], exif=reading.exif)
    things = [thing for photo in photos for thing in photo.things]
    counts = np.array([len(photo.things) for photo in photos], np.int64)
    scales = np.repeat(sizes, counts, axis=0) if form.shares else np.ones((len(things), 2))
    corners = np.array([thing.corners for thing in things], np.float64).reshape(-1, 4)
    index = {name: number for number, name in enumerate(classes.names)}
    annotations = Annotations(
        image_ids=ids,
        file_names=np.array(files),
        sizes=sizes,
        boxes=(corners - [form.first_pixel, form.first_pixel, 0, 0]) * np.tile(scales, 2),
        classes=np.array([index[_label(thing, source)] for thing in things], np.int64),
        crowd=np.array([thing.ignored for thing in things], bool),
        areas=np.full(len(things), np.nan),
        annotation_ids=np.arange(1, len(things) + 1),
        offsets=start_offsets(counts),
        label_map=classes,
        folder=folder,
        numbered=True,
        notes=(*notes, *form.notes, *_remarks(photos), *near_names(classes.names)),
    )
    if unknown and not form.shares:
        total = counted(unknown, "photo", "photos")
        annotations = annotations.with_notes([f"{total} without a size in {source}, measured"])
    written = WrittenBoxes(source, form.words, corners, {}, shares=form.shares)
    if not reading.masks:
        return check_boxes(annotations, written=written, on_bad_box=reading.on_bad_box)
    return _with_outlines(annotations, things, scales, written=written, reading=reading)


def _with_outlines(
    annotations: Annotations,
    things: Sequence[Thing],
    scales: np.ndarray,
    *,
    written: WrittenBoxes,
    reading: Reading,
) -> Annotations:
    """Checks boxes and outlines; the areas are those of the masks, as where COCO gives none."""
    if things and not any(thing.polygons for thing in things):
        raise InputError(
            f"{written.source} has boxes only, and this task needs masks. Give data with outlines, "
            "or choose a task without masks"
        )
    scaled = [
        [(np.reshape(part, (-1, 2)) * scale).ravel().tolist() for part in thing.polygons]
        for thing, scale in zip(things, scales, strict=True)
    ]
    outlines, misfits = fit_outlines(annotations, [parse_segmentation(part) for part in scaled])
    outlined = annotations.with_outlines(outlines)
    checked = check_boxes(outlined, written=written, on_bad_box=reading.on_bad_box)
    return check_outlines(
        checked, misfits=misfits, source=written.source, on_bad_box=reading.on_bad_box
    )


def _label(thing: Thing, source: Path) -> str:
    return clean_name(thing.label, source=source)


def _remarks(photos: Sequence[Photo]) -> list[str]:
    counts = Counter(remark for photo in photos for remark in photo.remarks)
    return [f"{counted(number, 'object', 'objects')} {said}" for said, number in counts.items()]


def extent(points: Sequence[float]) -> list[float]:
    """The box ``x0, y0, x1, y1`` around ``x, y, x, y ...``."""
    pairs = np.reshape(np.asarray(points, np.float64), (-1, 2))
    return [*pairs.min(axis=0).tolist(), *pairs.max(axis=0).tolist()]
