"""Photos whose classes are in a table."""

from functools import cached_property
from pathlib import Path
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
    part_of,
    read_label_rows,
)
from tasks.common.data.photos import Photos
from tasks.common.report import counted

LABELS = ("label", "class", "class_name", "category", "target", "breed", "species")


class TableData(ClassificationData):
    """A table with a column of files and one of classes, and the photos that it names.

    Args:
        table: The file; None for the only one in ``root``.
        images: Folder of the photos; None for ``root``.
        label: The column of classes; None for one of ``LABELS``, or the only one that is left.
        val_share: Of the photos, about, to validate on; None where a column ``split`` says which.
        group: What of them stays together then; see ``held_out``.
        **classification: See ``ClassificationData``.
    """

    layout = "a table (file, label and perhaps split) and the photos it names"

    def __init__(
        self,
        *,
        table: str | int | None = None,
        images: str | int | None = None,
        label: str | int | None = None,
        val_share: float | None = None,
        group: str | None = None,
        **classification: Any,
    ) -> None:
        super().__init__(**classification)
        self.table = table
        self.images = images
        self.label = None if label is None else str(label)
        self.val_share = val_share
        self.group = group

    def read(self, split: str) -> Photos:
        photos, rows = self.listed
        return part_of(photos, rows, split, val_share=self.val_share, group=self.group)

    @cached_property
    def listed(self) -> tuple[Photos, LabelRows]:
        """The photos of all splits, and the rows that they are from."""
        folder = self.folder() if self.images is None else Path(str(self.images))
        if not folder.is_dir():
            raise InputError(f"data.images={folder}: there is no such folder")
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
