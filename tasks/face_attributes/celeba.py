"""CelebA: forty attributes of celebrities."""

from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError, check_choice
from tasks.common.data.photos import relative_names
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.faces import LabelledFaces, attribute_map
from tasks.face_attributes.tables import check_names, to_targets

LABELS, PARTITION, PHOTOS = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"
PARTS = {"train": "0", "val": "1", "test": "2"}  # by the partition's numbers
GROUPS = {"Male": ("not Male", "Male"), "Young": ("not Young", "Young")}


class CelebAData(AttributeData):
    """The official files, as they unpack.

    Args:
        val_split: ``val`` while settings are chosen, ``test`` for the figures to report.
        **faces: See ``AttributeData``.
    """

    layout = f"{LABELS}, {PARTITION} and {PHOTOS}/"

    def __init__(self, *, val_split: str, **faces: Any) -> None:
        super().__init__(**faces)
        check_choice("data.val_split", val_split, allowed=("val", "test"))
        self.val_split = val_split

    def read_faces(self, split: str) -> LabelledFaces:
        root = self.folder()
        attributes, labels = _read_labels(root / LABELS)
        part = PARTS[self.val_split if split == "val" else split]
        names = [name for name, there in _read_partition(root / PARTITION).items() if there == part]
        unlabelled = next((name for name in names if name not in labels), None)
        if unlabelled:
            raise InputError(f"{root / LABELS} lacks {unlabelled}, which {PARTITION} names")
        if not names:
            raise InputError(f"{root / PARTITION} has no photo of part {part}, {split}")
        rows = [labels[name] for name in names]
        columns = {name: [row[i] for row in rows] for i, name in enumerate(attributes)}
        targets = to_targets(columns, names=names, file=root / LABELS)
        groups = {
            name: np.array(values)[(targets[:, attributes.index(name)] == 1).astype(int)]
            for name, values in GROUPS.items()
            if name in attributes
        }
        photos = root / PHOTOS
        return LabelledFaces(
            photos,
            relative_names(photos, [photos / name for name in names]),
            targets,
            attribute_map(attributes),
            groups=groups,
        )


def _read_labels(file: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The attributes, and the cells of each photo."""
    lines = _read_lines(file)
    if len(lines) < 3 or not lines[0].strip().isdigit():
        raise InputError(f"{file}: a count, a line of attributes and a line a photo are needed")
    attributes = lines[1].split()
    rows = [line.split() for line in lines[2:]]
    for number, row in enumerate(rows, start=3):
        if len(row) != len(attributes) + 1:
            raise InputError(
                f"{file}: line {number} has {len(row) - 1} labels, and there are "
                f"{len(attributes)} attributes"
            )
    if len(rows) != int(lines[0]):
        raise InputError(f"{file} announces {int(lines[0])} photos and lists {len(rows)}")
    names = check_names([row[0] for row in rows], file=file)
    return attributes, {name: row[1:] for name, row in zip(names, rows, strict=True)}


def _read_partition(file: Path) -> dict[str, str]:
    rows = [line.split() for line in _read_lines(file)]
    strange = next((row for row in rows if len(row) != 2 or row[1] not in PARTS.values()), None)
    if strange:
        raise InputError(f"{file}: {' '.join(strange)!r} is no photo and its part, 0, 1 or 2")
    names = check_names([row[0] for row in rows], file=file)
    return {name: row[1] for name, row in zip(names, rows, strict=True)}


def _read_lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {error}; data.root= must hold {CelebAData.layout}") from error
