"""Any faces whose attributes are in a table."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from backbone.errors import InputError
from tasks.common.data.label_tables import (
    LabelRows,
    find_table,
    found_names,
    needed_columns,
    read_label_rows,
)
from tasks.common.data.table_module import ListedPhotos
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.faces import LabelledFaces, attribute_map
from tasks.face_attributes.tables import one_against_rest, to_targets

SPLITS = ("train", "val")


class Columns(NamedTuple):
    """What is learnt of a table.

    Attributes:
        attributes: The columns of yes and no.
        values: Of each other column that is learnt, all that it says: an attribute each.
    """

    attributes: list[str]
    values: dict[str, list[str]]

    @property
    def names(self) -> list[str]:
        """The attributes."""
        every = [f"{column} {value}" for column in self.values for value in self.values[column]]
        return [*self.attributes, *every]


class TableData(ListedPhotos[LabelledFaces], AttributeData):
    """A table with a column of files and one for each attribute, and the photos that it names.

    It is one with a column ``split``, or two, ``labels_train.csv`` and ``labels_val.csv``, which
    are taken where no ``table`` is given.

    Args:
        attributes: The columns to learn; None for all that mean nothing else.
        categories: Columns with several words, each of which is an attribute against all others.
        groups: Columns by whose values the figures are compared; only learnt if they are among
            ``attributes`` too.
        **listed: See ``ListedPhotos`` and ``AttributeData``.
    """

    layout = "a table (file, a column for each attribute and perhaps split) and the photos it names"

    def __init__(
        self,
        *,
        attributes: Sequence[str] | None = None,
        categories: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        **listed: Any,
    ) -> None:
        super().__init__(**listed)
        self.attributes = _names("attributes", attributes)
        self.categories = _names("categories", categories)
        self.group_columns = _names("groups", groups)

    def read_faces(self, split: str) -> LabelledFaces:
        rows = self.tables.get(split) or self.tables.get("")
        if rows is None:
            raise InputError(f"{self.folder()} lacks labels_{split}.csv beside the other table")
        faces = self._faces(rows)
        if "" not in self.tables:
            return faces
        return self.part_of(faces, rows, split)

    @cached_property
    def tables(self) -> dict[str, LabelRows]:
        """The rows of each split, or those of all under no name."""
        root = self.folder()
        files = {split: root / f"labels_{split}.csv" for split in SPLITS}
        there = {split: file for split, file in files.items() if file.is_file()}
        if self.table in (None, "") and there:
            return {split: read_label_rows(file) for split, file in there.items()}
        return {"": read_label_rows(find_table(root, self.table))}

    @cached_property
    def columns(self) -> Columns:
        """What is learnt, the same of all tables."""
        attributes = self.attributes or self._all_columns()
        values = {
            column: sorted({cell for cells in self._cells(column) for cell in cells if cell})
            for column in self.categories
        }
        if not attributes and not any(values.values()):
            raise InputError(f"{self.root}: the tables have no column that is an attribute")
        return Columns(attributes, values)

    def _cells(self, column: str) -> list[list[str]]:
        return [needed_columns(rows, [column])[column] for rows in self.tables.values()]

    def _all_columns(self) -> list[str]:
        """The attributes of all tables, which must have the same."""
        every = [name for rows in self.tables.values() for name in rows.columns]
        for rows in self.tables.values():
            lacking = [name for name in every if name not in rows.columns]
            if lacking:
                raise InputError(
                    f"{rows.table} lacks the column {lacking[0]}, which the other table has; "
                    "data.attributes=[...] names those to learn"
                )
        left = {*self.group_columns, *self.categories}
        return [name for name in dict.fromkeys(every) if name not in left]

    def _faces(self, rows: LabelRows) -> LabelledFaces:
        root = self.image_folder()
        attributes, values = self.columns
        columns = needed_columns(rows, [*attributes, *values, *self.group_columns])
        names, notes = found_names(rows, root)
        yes_or_no = {name: columns[name] for name in attributes}
        parts = [one_against_rest(columns[name], values[name]) for name in values]
        if yes_or_no:
            parts.insert(0, to_targets(yes_or_no, names=rows.names, file=rows.table))
        return LabelledFaces(
            root,
            names,
            np.concatenate(parts, axis=1),
            attribute_map(self.columns.names),
            tuple(notes),
            groups={name: np.array(columns[name]) for name in self.group_columns},
        )


def _names(setting: str, value: Sequence[str] | None) -> list[str]:
    if isinstance(value, str):
        raise InputError(f"data.{setting}={value}: a list such as [{value}] is needed")
    return [str(name) for name in value or []]
