"""A table to train on, of photos whose cameras said where they were, or of YFCC100M's metadata."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from backbone.errors import InputError, check_number
from backbone.files import replacing
from tasks.common.commands.run_folder import check_file
from tasks.common.data.held_out import place_of
from tasks.common.files.folders import make_folder
from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.places import named_places
from tasks.geolocation.tables.reading import read_table

VAL_SHARE = 0.05
COLUMNS = ("file", "latitude", "longitude", "place", "split")
SCHEMA = pa.schema(
    {name: pa.float64() if name.endswith("tude") else pa.string() for name in COLUMNS}
)


def prepare_table(
    root: Path, *, output: Any = None, val_share: Any = None, overwrite: Any = None
) -> str:
    """Writes a table with a split for photos that have a place.

    A place is in one split with all its photos, or the same view would be learnt and tested. It is
    decided by its name alone: photos that come later do not move others. Of two places or more, one
    at least is in each split.

    Args:
        root: A folder of photos with Exif, YFCC100M's metadata, whose places are its users, or a
            table without a split.
        output: The CSV file to write.
        val_share: Of the places, about, to test on; None for a twentieth.
        overwrite: Replaces a file that is there.

    Returns:
        What was written and left out, and what to run next.

    Raises:
        InputError: If a setting is not allowed, or no photo has a place.
    """
    val_share = VAL_SHARE if val_share is None else val_share
    check_number("val_share", val_share, at_least=0, at_most=1)
    if output is None or not str(output).endswith(".csv"):
        raise InputError(f"output={output or ''}: the name of a file ending in .csv is needed")
    target = Path(str(output))
    check_file("output", target, overwrite=overwrite)
    make_folder("output", target.parent)
    with replacing(target) as temporary:
        written = _write(root, temporary, val_share)
        if written.lacks_a_split and val_share not in (0, 1):  # of few places all may be in one
            written = _write(root, temporary, val_share, other=written.next_place)
        notes = written.bad_rows.check()
        if not written.counts:
            raise InputError("\n  ".join([f"{root}: no photo has a place", *notes]))
    counts = written.counts
    images = f"data.images={root if root.is_dir() else 'DIR'}"
    command = f"python tools/train.py task=planet data.table={target} {images}"
    missing = " and ".join(split for split in ("train", "val") if not counts[split])
    return "\n".join(
        [
            f"Ready: {target}, {counts['train']} photos to learn from, {counts['val']} to test",
            *notes,
            f"Train with:\n\n    {command}"
            if not missing
            else f"No photo is of the split {missing}, as training needs it: all are of one place, "
            f"or val_share={val_share} says so",
        ]
    )


class _Written:
    """What a table got.

    Attributes:
        counts: Photos of each split.
        bad_rows: What was left out.
    """

    def __init__(self, root: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.bad_rows = BadRows(root, on_bad_row="drop")
        self.ends: list[str] = []  # the places that come first and last, of all

    def add(self, places: list[str], splits: list[str]) -> None:
        """Counts photos."""
        self.counts.update(splits)
        ordered = sorted({*self.ends, *places}, key=lambda name: (place_of(name), name))
        self.ends = [ordered[0], ordered[-1]] if ordered else []

    @property
    def lacks_a_split(self) -> bool:
        """Whether all photos are in one split, though there are two places at least."""
        return len(self.counts) == 1 and len(set(self.ends)) == 2

    @property
    def next_place(self) -> str:
        """The place that goes to the other split first."""
        return self.ends[0] if "train" in self.counts else self.ends[-1]


def _write(root: Path, target: Path, val_share: float, *, other: str | None = None) -> _Written:
    """Writes the table, with the place ``other`` in another split than its name says."""
    written = _Written(root)
    with csv.CSVWriter(target, SCHEMA) as writer:
        for part in _parts(root, written.bad_rows, val_share, other):
            writer.write_table(part)
            written.add(part["place"].to_pylist(), part["split"].to_pylist())
    return written


def _parts(
    root: Path, bad_rows: BadRows, val_share: float, other: str | None
) -> Iterator[pa.Table]:
    for part in read_table(root, needed=("file", "latitude", "longitude"), bad_rows=bad_rows):
        if "split" in part.column_names:
            raise InputError(f"{root} has a split already; give it as data.table")
        points, good = bad_rows.good_points(part)
        part = part.filter(pa.array(good))
        named = part["place"].to_pylist() if "place" in part.column_names else [None] * len(part)
        places = named_places(points, named)
        columns = [part[name] for name in ("file", "latitude", "longitude")]
        splits = _splits(places, val_share, other)
        yield pa.table([*columns, places, splits], schema=SCHEMA)


def _splits(places: list[str], val_share: float, other: str | None) -> np.ndarray:
    names, numbers = np.unique(places, return_inverse=True)
    held_out = [(place_of(name) < val_share) != (name == other) for name in names]
    chosen: np.ndarray = np.where(held_out, "val", "train")[numbers]
    return chosen
