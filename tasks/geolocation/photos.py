"""Photos with the place where each was taken."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tasks.geolocation.cells.sphere import Points
from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.reading import read_table

NEEDED = ("file", "latitude", "longitude", "split")
SPLITS = {"train": "train", "val": "val", "validation": "val", "test": "val"}  # as a table has them
NO_FILE = "file is missing, or leads out of the folder of photos"
REPEATED = "file is listed before"
OTHER_SPLIT = f"split is none of {', '.join(SPLITS)}"
LEADS_OUT = r"^/|(^|/)\.\.(/|$)|\x00"


@dataclass(frozen=True, eq=False, kw_only=True)
class GeoPhotos(Photos):
    """``N`` photos; their ``targets`` are the cells that they are in, ``(N, G)``.

    Attributes:
        points: Where they were taken, ``(N, 2)`` in degrees.
        albums: Number of the place or album that each is of, int64 ``(N,)``.
    """

    points: Points
    albums: np.ndarray

    def select(self, chosen: np.ndarray) -> Self:
        """Some of the photos, by index or mask."""
        rest = {"points": self.points[chosen], "albums": self.albums[chosen]}
        return replace(super().select(chosen), **rest)


def read_photos(table: Path, images: Path, *, bad_rows: BadRows) -> dict[str, GeoPhotos]:
    """The photos of each split, ``train`` and ``val``, still without targets.

    Args:
        table: With the columns ``NEEDED`` and perhaps ``place``.
        images: The folder that its files are in.
        bad_rows: Gets the rows that cannot be used.

    Raises:
        InputError: If the table cannot be read.
    """
    parts = list(_good_parts(table, bad_rows))
    names = np.concatenate([part.names for part in parts] or [np.zeros(0, "S1")])
    points = np.concatenate([part.points for part in parts] or [np.zeros((0, 2))])
    splits = np.concatenate([part.splits for part in parts] or [np.zeros(0, "U5")])
    albums = _numbered([place for part in parts for place in part.places])
    _, first = np.unique(names, return_index=True)
    once = np.zeros(len(names), bool)
    once[first] = True
    bad_rows.add(REPEATED, [name.decode() for name in names[~once].tolist()])
    everything = GeoPhotos(
        images,
        names,
        np.zeros((len(names), 0), np.int64),
        LabelMap((), ()),
        points=points,
        albums=albums,
    )
    return {split: everything.select(once & (splits == split)) for split in ("train", "val")}


@dataclass(frozen=True, eq=False)
class _Part:
    names: np.ndarray
    points: Points
    splits: np.ndarray
    places: list[str | None]


def _good_parts(table: Path, bad_rows: BadRows) -> Iterator[_Part]:
    for part in read_table(table, needed=NEEDED, bad_rows=bad_rows):
        points, good = bad_rows.good_points(part)
        part = part.filter(pa.array(good))
        leads_out = pc.match_substring_regex(part["file"], LEADS_OUT)
        named = ~_true(pc.fill_null(leads_out, True)) & _true(pc.not_equal(part["file"], ""))
        splits = [SPLITS.get((text or "").strip().lower()) for text in part["split"].to_pylist()]
        known = np.array([split is not None for split in splits], bool)
        for kind, bad in ((NO_FILE, ~named), (OTHER_SPLIT, named & ~known)):
            rows = part.filter(pa.array(bad)).select(["file", "split"]).to_pylist()
            bad_rows.add(kind, [f"{row['file']} (split {row['split']})" for row in rows])
        kept = named & known
        names = part["file"].filter(pa.array(kept)).to_pylist()
        places = (
            part["place"].filter(pa.array(kept)).to_pylist()
            if "place" in part.column_names
            else None
        )
        yield _Part(
            np.array([name.encode() for name in names]),
            points[kept],
            np.array([split for split in splits if split], dtype="U5")[named[known]],
            places or [None] * len(names),
        )


def _true(column: pa.ChunkedArray) -> np.ndarray:
    values: np.ndarray = pc.fill_null(column, False).to_numpy(zero_copy_only=False).astype(bool)
    return values


def _numbered(places: list[str | None]) -> np.ndarray:
    """A number for each name; a photo of no place has one of its own."""
    names = np.array([f"={place}" if place else str(row) for row, place in enumerate(places)])
    numbers: np.ndarray = np.unique(names, return_inverse=True)[1]
    return numbers.astype(np.int64)


def check_there(photos: GeoPhotos, split: str, table: Path) -> None:
    """Raises an InputError if a split has no photos."""
    if not len(photos):
        names = " or ".join(name for name, meaning in SPLITS.items() if meaning == split)
        raise InputError(f"{table} lists no photo whose split is {names}")
