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
from tasks.geolocation.cells import s2
from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.reading import read_table

VAL_SHARE = 0.05
PLACE_LEVEL = 14  # of the cells, some 600 m wide, that stand for a place where none is named
COLUMNS = ("file", "latitude", "longitude", "place", "split")
SCHEMA = pa.schema(
    {name: pa.float64() if name.endswith("tude") else pa.string() for name in COLUMNS}
)


def prepare_table(
    root: Path, *, output: Any = None, val_share: Any = None, overwrite: Any = None
) -> str:
    """Writes a table with a split for photos that have a place.

    A place is in one split with all its photos, or the same view would be learnt and tested. It is
    decided by its name alone: photos that come later do not move others.

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
    bad_rows = BadRows(root, on_bad_row="drop")
    make_folder("output", target.parent)
    counts: Counter[str] = Counter()
    with replacing(target) as temporary:
        with csv.CSVWriter(temporary, SCHEMA) as writer:
            for part in _parts(root, bad_rows, val_share):
                writer.write_table(part)
                counts.update(part["split"].to_pylist())
        notes = bad_rows.check()
        if not counts:
            raise InputError("\n  ".join([f"{root}: no photo has a place", *notes]))
    images = f"data.images={root if root.is_dir() else 'DIR'}"
    return "\n".join(
        [
            f"Ready: {target}, {counts['train']} photos to learn from, {counts['val']} to test",
            *notes,
            f"Train with:\n\n    python tools/train.py task=planet data.table={target} {images}",
        ]
    )


def _parts(root: Path, bad_rows: BadRows, val_share: float) -> Iterator[pa.Table]:
    for part in read_table(root, needed=("file", "latitude", "longitude"), bad_rows=bad_rows):
        if "split" in part.column_names:
            raise InputError(f"{root} has a split already; give it as data.table")
        points, good = bad_rows.good_points(part)
        part = part.filter(pa.array(good))
        cells = s2.tokens(s2.parents(s2.leaf_ids(points), PLACE_LEVEL))
        named = part["place"].to_pylist() if "place" in part.column_names else cells
        places = [name or cell for name, cell in zip(named, cells, strict=True)]
        columns = [part[name] for name in ("file", "latitude", "longitude")]
        yield pa.table([*columns, places, _splits(places, val_share)], schema=SCHEMA)


def _splits(places: list[str], val_share: float) -> np.ndarray:
    names, numbers = np.unique(places, return_inverse=True)
    splits = ["val" if place_of(name) < val_share else "train" for name in names]
    chosen: np.ndarray = np.array(splits, "U5")[numbers]
    return chosen
