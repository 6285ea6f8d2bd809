"""CelebA: forty attributes of celebrities."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError, check_choice
from tasks.common.data.label_tables import read_label_rows
from tasks.common.data.photos import relative_names
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.faces import LabelledFaces, attribute_map
from tasks.face_attributes.tables import check_names, to_targets

LABELS, PARTITION, PHOTOS = "list_attr_celeba", "list_eval_partition", "img_align_celeba"
# Where they are: as the archives unpack, in the folders of the authors' drive, and on Kaggle.
FOLDERS = ("", "Anno", "Eval")
SUFFIXES = (".txt", ".csv")
PHOTO_FOLDERS = (f"{PHOTOS}/{PHOTOS}", PHOTOS, f"Img/{PHOTOS}", f"Img/{PHOTOS}/{PHOTOS}")
PARTS = {"train": "0", "val": "1", "test": "2"}  # by the partition's numbers
# The partition by the numbers of photos: the first one of each part (Liu et al. 2015).
FIRST = {"0": 1, "1": 162_771, "2": 182_638}
GROUPS = {"Male": ("not Male", "Male"), "Young": ("not Young", "Young")}


class CelebAData(AttributeData):
    """The official files, as they unpack, as they lie on the authors' drive, or as on Kaggle.

    Args:
        val_split: ``val`` while settings are chosen, ``test`` for the figures to report.
        **faces: See ``AttributeData``.
    """

    layout = f"{LABELS}.txt, {PARTITION}.txt and {PHOTOS}/"

    def __init__(self, *, val_split: str, **faces: Any) -> None:
        super().__init__(**faces)
        check_choice("data.val_split", val_split, allowed=("val", "test"))
        self.val_split = val_split

    def read_faces(self, split: str) -> LabelledFaces:
        root = self.folder()
        file = _find_list(root, LABELS)
        attributes, labels = (_read_labels if file.suffix == ".txt" else _read_csv_labels)(file)
        part = PARTS[self.val_split if split == "val" else split]
        names, notes = self._part(root, part, labels)
        rows = [labels[name] for name in names]
        columns = {name: [row[i] for row in rows] for i, name in enumerate(attributes)}
        targets = to_targets(columns, names=names, file=file)
        groups = {
            name: np.array(values)[(targets[:, attributes.index(name)] == 1).astype(int)]
            for name, values in GROUPS.items()
            if name in attributes
        }
        photos = next((root / name for name in PHOTO_FOLDERS if (root / name).is_dir()), None)
        if photos is None:
            raise InputError(f"{root} has no folder {PHOTOS}; {_needed()}")
        return LabelledFaces(
            photos,
            relative_names(photos, [photos / name for name in names]),
            targets,
            attribute_map(attributes),
            notes,
            groups=groups,
        )

    def _part(
        self, root: Path, part: str, labels: Mapping[str, Sequence[str]]
    ) -> tuple[list[str], tuple[str, ...]]:
        """The names of the photos of a part, and what is to be said of it."""
        file = _find_list(root, PARTITION, needed=False)
        notes: tuple[str, ...] = ()
        if file is None:
            partition = _official_partition(labels)
            source = f"{root}, which has no {PARTITION}.txt, so that photos go by their numbers,"
            notes = (f"no {PARTITION}.txt: the official parts, by the photos' numbers",)
        else:
            partition, source = _read_partition(file), str(file)
        names = [name for name, there in partition.items() if there == part]
        unlabelled = next((name for name in names if name not in labels), None)
        if unlabelled:
            raise InputError(f"{LABELS} lacks {unlabelled}, which {source} names")
        if not names:
            raise InputError(
                f"{source} has no photo of part {part}, where 0 is train, 1 val and 2 test"
            )
        return names, notes


def _find_list(root: Path, name: str, *, needed: bool = True) -> Any:
    """A list by its name, wherever it is; None if it is not there and not needed."""
    places = [root / folder / f"{name}{suffix}" for folder in FOLDERS for suffix in SUFFIXES]
    found = next((path for path in places if path.is_file()), None)
    if found is None and needed:
        raise InputError(f"{root / name}.txt: there is no such file; {_needed()}")
    return found


def _needed() -> str:
    return (
        f"data.root= must hold {CelebAData.layout}, or Anno/, Eval/ and Img/ with them, or the "
        ".csv files of Kaggle"
    )


def _official_partition(labels: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The part of each photo by its number.

    Raises:
        InputError: If they have none.
    """
    strange = next((name for name in labels if not Path(name).stem.isdecimal()), None)
    if strange:
        raise InputError(
            f"{PARTITION}.txt is missing, and {strange} has no number that tells its part. It "
            "comes with CelebA, in Eval/"
        )
    return {
        name: max(part for part, first in FIRST.items() if int(Path(name).stem) >= first)
        for name in labels
    }


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


def _read_csv_labels(file: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The same of Kaggle's table."""
    rows = read_label_rows(file)
    names = check_names(rows.names, file=file)
    cells = zip(*rows.columns.values(), strict=True)
    return list(rows.columns), {name: list(row) for name, row in zip(names, cells, strict=True)}


def _read_partition(file: Path) -> dict[str, str]:
    rows = [line.replace(",", " ").split() for line in _read_lines(file)]
    rows = rows[1:] if rows and rows[0][-1:] == ["partition"] else rows  # Kaggle's has a header
    strange = next((row for row in rows if len(row) != 2 or row[1] not in PARTS.values()), None)
    if strange:
        raise InputError(f"{file}: {' '.join(strange)!r} is no photo and its part, 0, 1 or 2")
    names = check_names([row[0] for row in rows], file=file)
    return {name: row[1] for name, row in zip(names, rows, strict=True)}


def _read_lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {error}; {_needed()}") from error
