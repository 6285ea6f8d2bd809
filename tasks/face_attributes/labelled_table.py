"""Any faces whose attributes are in a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.data.photos import relative_names
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.faces import LabelledFaces, attribute_map
from tasks.face_attributes.tables import (
    FILE,
    check_names,
    read_columns,
    read_header,
    to_targets,
)


class TableData(AttributeData):
    """``labels_train.csv`` and ``labels_val.csv``: a column ``file`` and one for each attribute.

    Args:
        attributes: The columns to learn; None for all but ``file`` and ``groups``.
        groups: Columns by whose values the figures are compared; only learnt if they are among
            ``attributes`` too.
        **faces: See ``AttributeData``.
    """

    layout = "labels_train.csv and labels_val.csv (file and a column for each attribute)"

    def __init__(
        self,
        *,
        attributes: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        **faces: Any,
    ) -> None:
        super().__init__(**faces)
        self.attributes = _names("attributes", attributes)
        self.group_columns = _names("groups", groups)

    def read_faces(self, split: str) -> LabelledFaces:
        root = self.folder()
        file = root / f"labels_{split}.csv"
        attributes = self.attributes or self._all_columns(root)
        columns = read_columns(file, [FILE, *attributes, *self.group_columns])
        names = check_names(columns[FILE], file=file)
        return LabelledFaces(
            root,
            relative_names(root, [root / name for name in names]),
            to_targets({name: columns[name] for name in attributes}, names=names, file=file),
            attribute_map(attributes),
            groups={name: np.array(columns[name]) for name in self.group_columns},
        )

    def _all_columns(self, root: Path) -> list[str]:
        """The attributes of both tables, which must have the same."""
        files = [root / f"labels_{split}.csv" for split in ("train", "val")]
        headers = {file: read_header(file) for file in files if file.is_file()}
        if not headers:
            raise InputError(f"{root} holds no labels: {self.layout} are needed")
        every = [name for header in headers.values() for name in header]
        for file, header in headers.items():
            lacking = [name for name in every if name not in header]
            if lacking:
                raise InputError(
                    f"{file} lacks the column {lacking[0]}, which the other table has; "
                    "data.attributes=[...] names those to learn"
                )
        left = {FILE, *self.group_columns}
        attributes = [name for name in dict.fromkeys(every) if name not in left]
        if not attributes:
            raise InputError(f"{root}: the tables have no column that is an attribute")
        return attributes


def _names(setting: str, value: Sequence[str] | None) -> list[str]:
    if isinstance(value, str):
        raise InputError(f"data.{setting}={value}: a list such as [{value}] is needed")
    return [str(name) for name in value or []]
