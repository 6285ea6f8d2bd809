"""Photos whose classes are in a table."""

from functools import cached_property
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.classification.data import ClassificationData
from tasks.classification.layouts.imagenet import folder_classes
from tasks.common.data.label_tables import (
    LabelRows,
    find_table,
    found_names,
    needed_columns,
    read_label_rows,
)
from tasks.common.data.photos import Photos
from tasks.common.data.table_module import ListedPhotos
from tasks.common.report import counted

LABELS = ("label", "class", "class_name", "category", "target", "breed", "species")


class TableData(ListedPhotos[Photos], ClassificationData):
    """A table with a column of files and one of classes, and the photos that it names.

    Args:
        label: The column of classes; None for one of ``LABELS``, or the only one that is left.
        **listed: See ``ListedPhotos`` and ``ClassificationData``.
    """

    layout = "a table (file, label and perhaps split) and the photos it names"

    def __init__(self, *, label: str | int | None = None, **listed: Any) -> None:
        super().__init__(**listed)
        self.label = None if label is None else str(label)

    def read(self, split: str) -> Photos:
        photos, rows = self.listed
        return self.part_of(photos, rows, split)

    @cached_property
    def listed(self) -> tuple[Photos, LabelRows]:
        """The photos of all splits, and the rows that they are from."""
        folder = self.image_folder()
        every = read_label_rows(find_table(self.folder(), self.table))
        column = _label_column(every) if self.label is None else self.label
        labelled = [
            row for row, label in enumerate(needed_columns(every, [column])[column]) if label
        ]
        rows = every.select(labelled)
        labels = rows.columns[column]
        names, label_map = folder_classes(sorted(set(labels)))
        number = {name: index for index, name in enumerate(names)}
        files, notes = found_names(rows, folder)
        if without := len(every.names) - len(labelled):
            notes.append(f"{counted(without, 'row', 'rows')} without a label left out")
        targets = np.array([number[label] for label in labels], np.int64)
        return Photos(folder, files, targets, label_map, tuple(notes)), rows


def _label_column(rows: LabelRows) -> str:
    named = [column for column in rows.columns if column.lower() in LABELS]
    left = named or list(rows.columns)
    if len(left) != 1:
        raise InputError(
            f"{rows.table} has the columns {', '.join(rows.columns) or 'file alone'}: "
            "data.label=NAME says which is of the classes"
        )
    return left[0]
