"""Rows of a table that cannot be used: refused together, or dropped and counted."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from backbone.errors import InputError, check_choice
from tasks.common.report import counted

BAD_ROW_POLICIES = ("error", "drop")
AS_WRITTEN = " as written"  # follows the name of a column in that of its cells as text
MAX_LISTED = 20  # of each kind
NO_PLACE = "latitude or longitude is missing or no number"
BAD_LATITUDE = "latitude is not within -90 and 90"
BAD_LONGITUDE = "longitude is not within -180 and 180"
NOWHERE = "latitude and longitude are both 0, as is written where no place is known"
BROKEN = "not as many values as there are columns"


class BadRows:
    """Counts the bad rows of a table and lists the first of each kind.

    Args:
        path: The table, for messages.
        on_bad_row: ``error`` or ``drop``.
        setting: The name of the latter on the command line.
    """

    def __init__(self, path: Path, *, on_bad_row: str, setting: str = "data.on_bad_row") -> None:
        check_choice(setting, on_bad_row, allowed=BAD_ROW_POLICIES)
        self.setting = setting
        self.path = path
        self.on_bad_row = on_bad_row
        self.counts: Counter[str] = Counter()
        self.listed: dict[str, list[str]] = {}
        self.num_rows = 0
        self.notes: list[str] = []  # on rows that can be used, for ``check`` to give

    def add(self, kind: str, rows: Sequence[str]) -> None:
        """Counts rows, given as what names them."""
        if rows:
            self.counts[kind] += len(rows)
            listed = self.listed.setdefault(kind, [])
            listed += rows[: MAX_LISTED - len(listed)]

    def add_broken(self, row: "pa.csv.InvalidRow") -> str:
        """For pyarrow: counts a row with more or fewer values than columns, and skips it."""
        self.add(BROKEN, [repr(row.text[:60])])
        return "skip"

    def good_points(self, part: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """The points of a part of the table, and which of its rows they are, as a mask.

        A longitude over 180 is refused, not wrapped around: it tells of swapped columns or of
        another convention, and either would put all photos in wrong places.
        """
        latitude, longitude = (
            part[name].to_numpy(zero_copy_only=False) for name in ("latitude", "longitude")
        )
        reasons = {
            NO_PLACE: ~(np.isfinite(latitude) & np.isfinite(longitude)),
            BAD_LATITUDE: np.abs(latitude) > 90,
            BAD_LONGITUDE: np.abs(longitude) > 180,
            NOWHERE: (latitude == 0) & (longitude == 0),
        }
        good = np.ones(len(part), bool)
        for kind, bad in reasons.items():
            bad &= good
            self.add(kind, [self._row(part, index) for index in np.flatnonzero(bad).tolist()])
            good &= ~bad
        self.num_rows += len(part)
        return np.stack([latitude, longitude], axis=1)[good], good

    def _row(self, part: pa.Table, index: int) -> str:
        latitude, longitude = (_written(part, name, index) for name in ("latitude", "longitude"))
        name = part["file"][index].as_py() if "file" in part.column_names else None
        place = f"latitude {latitude}, longitude {longitude}"
        return f"row {self.num_rows + index + 1}{f' ({name})' if name else ''}: {place}"

    def check(self) -> list[str]:
        """A note on each kind of dropped rows, with those listed.

        Raises:
            InputError: If there are any under ``error``, or no other rows.
        """
        total = self.counts.total()
        lines = [
            f"{counted(self.counts[kind], 'row', 'rows')} dropped, {kind}: {'; '.join(rows)}"
            + ("; and more" if self.counts[kind] > len(rows) else "")
            for kind, rows in self.listed.items()
        ]
        if total and self.on_bad_row == "error":
            found = "\n  ".join(line.replace(" dropped", "", 1) for line in lines)
            raise InputError(
                f"{counted(total, 'row', 'rows')} of {self.path} cannot be used:\n  {found}\n"
                f"Repair them, or set {self.setting}=drop to leave them out"
            )
        return [*self.notes, *lines]


def _written(part: pa.Table, name: str, index: int) -> object:
    """What a table has in a cell, where it could not be read as a number."""
    text = f"{name}{AS_WRITTEN}"
    value = part[text][index].as_py() if text in part.column_names else None
    return part[name][index].as_py() if value is None else repr(value)
