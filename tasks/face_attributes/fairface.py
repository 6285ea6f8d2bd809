"""FairFace: age, gender and race of faces that are balanced over seven races."""

from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.data.label_tables import (
    LabelRows,
    found_names,
    needed_columns,
    read_label_rows,
)
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.faces import LabelledFaces, attribute_map
from tasks.face_attributes.tables import one_against_rest

# All that the published files say (Karkkainen and Joo 2021), in their words.
VALUES = {
    "age": (
        *("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69"),
        "more than 70",
    ),
    "gender": ("Female", "Male"),
    "race": (
        *("Black", "East Asian", "Indian", "Latino_Hispanic", "Middle Eastern"),
        *("Southeast Asian", "White"),
    ),
}
TABLES = ("labels_{}.csv", "fairface_label_{}.csv")  # the latter as published
ATTRIBUTES = attribute_map([f"{name} {value}" for name in VALUES for value in VALUES[name]])


class FairFaceData(AttributeData):
    """``labels_train.csv`` and ``labels_val.csv`` with the columns file, age, gender and race.

    The published names, ``fairface_label_train.csv`` and so on, will do too. Each value of a column
    is an attribute of its own, against all others of the column.
    """

    layout = (
        "labels_train.csv and labels_val.csv (file, age, gender, race) and the photos they name"
    )

    def read_faces(self, split: str) -> LabelledFaces:
        root = self.folder()
        file = self._table(root, split)
        rows = read_label_rows(file)
        columns = needed_columns(rows, VALUES)
        files, notes = found_names(rows, root)
        parts = [_one_against_rest(column, rows) for column in VALUES]
        groups = {name: np.array(columns[name]) for name in ("race", "gender")}
        pairs = zip(columns["race"], columns["gender"], strict=True)
        both = [" ".join(pair) if all(pair) else "" for pair in pairs]
        groups["race and gender"] = np.array(both)
        return LabelledFaces(
            root,
            files,
            np.concatenate(parts, axis=1),
            ATTRIBUTES,
            tuple(notes),
            groups=groups,
        )

    def _table(self, root: Path, split: str) -> Path:
        files = [root / name.format(split) for name in TABLES]
        there = [file for file in files if file.is_file()]
        if not there:
            raise InputError(f"data.root={root} has no {files[0].name}: {self.layout} are needed")
        return there[0]


def _one_against_rest(column: str, rows: LabelRows) -> np.ndarray:
    """A column for each value, float32 ``(N, V)``; unknown where a cell is empty."""
    cells, values = rows.columns[column], VALUES[column]
    strange = next((cell for cell in cells if cell and cell not in values), None)
    if strange is not None:
        raise InputError(
            f"{rows.table}: {rows.names[cells.index(strange)]} has {strange!r} as {column}; it can "
            f"be {', '.join(values)}, or empty where it is unknown"
        )
    return one_against_rest(cells, values)
