"""Several data sets as one: their classes are matched by name."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.class_names import near_names
from tasks.detection.annotations.outlines import Outlines
from tasks.detection.annotations.ragged import start_offsets


def join(parts: Sequence[Annotations]) -> Annotations:
    """All photos of all parts, in their order, with the classes of any of them.

    Ids of images and annotations, and of classes, are kept where no two are the same, and are
    numbers of ours from 1 otherwise.

    Args:
        parts: At least one.

    Raises:
        InputError: If a file is in two parts.
    """
    if len(parts) == 1:
        return parts[0]
    files = [path for part in parts for path in part.paths()]
    _check_once(files)
    folder = Path(os.path.commonpath([part.folder.absolute() for part in parts]))
    labels = _joined_labels([part.label_map for part in parts])
    index = {name: number for number, name in enumerate(labels.names)}
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("sizes", "boxes", "crowd", "areas")
    }
    image_ids, renumbered = _ids([part.image_ids for part in parts])
    outlines = [part.outlines for part in parts if part.outlines is not None]
    notes = [note for part in parts for note in part.notes if not note.startswith("classes ")]
    if renumbered:
        notes.append("ids of images are the same in several sets: numbered anew from 1")
    return Annotations(
        **columns,
        image_ids=image_ids,
        file_names=np.array([os.path.relpath(path, folder).replace(os.sep, "/") for path in files]),
        classes=np.concatenate(
            [np.array([index[n] for n in part.label_map.names])[part.classes] for part in parts]
        ).astype(np.int64),
        annotation_ids=_ids([part.annotation_ids for part in parts])[0],
        offsets=start_offsets(np.concatenate([np.diff(part.offsets) for part in parts])),
        label_map=labels,
        folder=folder,
        notes=(*notes, *near_names(labels.names)),
        outlines=_joined_outlines(outlines) if len(outlines) == len(parts) else None,
        numbered=renumbered or any(part.numbered for part in parts),
    )


def _check_once(files: Sequence[Path]) -> None:
    places = {os.path.realpath(path) for path in files}
    if len(places) < len(files):
        raise InputError(
            f"{len(files) - len(places)} photos are in several of the data sets, or in one twice: "
            "their objects would be background in the other"
        )


def _joined_labels(parts: Sequence[LabelMap]) -> LabelMap:
    """All names in the order in which they come; ids as they are, or numbered from 1."""
    pairs = {name: number for part in reversed(parts) for name, number in _pairs(part)}
    names = list(dict.fromkeys(name for part in parts for name in part.names))
    ids = [pairs[name] for name in names]
    contradict = any(pairs[name] != number for part in parts for name, number in _pairs(part))
    if contradict or len(set(ids)) < len(ids):
        ids = list(range(1, len(names) + 1))
    return LabelMap(tuple(names), tuple(ids))


def _pairs(labels: LabelMap) -> list[tuple[str, int]]:
    return list(zip(labels.names, labels.ids, strict=True))


def _ids(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, bool]:
    """Ids end to end, or numbers from 1 and true where some are the same or of other kinds."""
    total = sum(map(len, parts))
    if len({part.dtype.kind for part in parts}) == 1:
        joined = np.concatenate(parts)
        if len(np.unique(joined)) == total:
            return joined, False
    return np.arange(1, total + 1), True


def _joined_outlines(parts: Sequence[Outlines]) -> Outlines:
    return Outlines(
        np.concatenate([part.values for part in parts]),
        start_offsets(np.concatenate([np.diff(part.parts) for part in parts])),
        start_offsets(np.concatenate([np.diff(part.offsets) for part in parts])),
        np.concatenate([part.in_runs for part in parts]),
    )
