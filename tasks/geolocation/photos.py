"""Photos with the place where each was taken."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backbone.errors import InputError
from tasks.common.data.held_out import held_out
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tasks.common.data.split_words import TRAIN, VALIDATED, split_of
from tasks.common.data.spread import evenly
from tasks.common.files.named_files import NamedFiles
from tasks.common.images.finding import list_images
from tasks.geolocation.cells.sphere import Points
from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.places import place_splits
from tasks.geolocation.tables.reading import read_table

NEEDED = ("file", "latitude", "longitude", "split")
WORDS = {"train": TRAIN, "val": VALIDATED}  # of a table's splits
SAMPLE = 200  # names of a part of a table that tell whether all are as the files'
NO_FILE = "file is missing, or leads out of the folder of photos"
REPEATED = "file is listed before"
OTHER_SPLIT = f"split is none of {', '.join((*TRAIN, *VALIDATED))}"
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


def read_photos(
    table: Path,
    images: Path,
    *,
    bad_rows: BadRows,
    val_share: float | None = None,
    group: str | None = None,
) -> dict[str, GeoPhotos]:
    """The photos of each split, ``train`` and ``val``, still without targets.

    Args:
        table: With the columns ``NEEDED`` and perhaps ``place``.
        images: The folder that its files are in.
        bad_rows: Gets the rows that cannot be used, and a note on files that are called otherwise.
        val_share: Of the places, about, to validate on; None where the table says.
        group: What is validated on as a whole instead of places, by names of files; see
            ``held_out``.

    Raises:
        InputError: If the table cannot be read, or says what to validate on besides ``val_share``.
    """
    files = NamedFiles(images, list_images)
    parts = list(_good_parts(table, files, bad_rows, has_split=val_share is None))
    bad_rows.notes += files.notes
    names = np.concatenate([part.names for part in parts] or [np.zeros(0, "S1")])
    points = np.concatenate([part.points for part in parts] or [np.zeros((0, 2))])
    places = [place for part in parts for place in part.places]
    _, first = np.unique(names, return_index=True)
    once = np.zeros(len(names), bool)
    once[first] = True
    bad_rows.add(REPEATED, [name.decode() for name in names[~once].tolist()])
    splits = (
        np.concatenate([part.splits for part in parts] or [np.zeros(0, "U5")])
        if val_share is None
        else _held_out_splits(names, points, places, val_share, group=group)
    )
    everything = GeoPhotos(
        images,
        names,
        np.zeros((len(names), 0), np.int64),
        LabelMap((), ()),
        points=points,
        albums=_numbered(places),
    )
    return {split: everything.select(once & (splits == split)) for split in ("train", "val")}


def _held_out_splits(
    names: np.ndarray,
    points: Points,
    places: list[str | None],
    val_share: float,
    *,
    group: str | None,
) -> np.ndarray:
    if group is None:
        return place_splits(points, places, val_share)
    chosen = held_out([name.decode() for name in names.tolist()], val_share, group=group)
    return np.where(chosen, "val", "train")


@dataclass(frozen=True, eq=False)
class _Part:
    names: np.ndarray
    points: Points
    splits: np.ndarray
    places: list[str | None]


def _good_parts(
    table: Path, files: NamedFiles, bad_rows: BadRows, *, has_split: bool
) -> Iterator[_Part]:
    needed = NEEDED if has_split else NEEDED[:3]
    for part in read_table(table, needed=needed, bad_rows=bad_rows):
        if "split" in part.column_names and not has_split:
            raise InputError(
                f"data.val_share: {table} has a column that says which photos to validate on. "
                "Give data.val_share=null"
            )
        points, good = bad_rows.good_points(part)
        part = part.filter(pa.array(good))
        found = pa.array(_as_found(part["file"].to_pylist(), files), pa.string())
        leads_out = pc.match_substring_regex(found, LEADS_OUT)
        named = ~_true(pc.fill_null(leads_out, True)) & _true(pc.not_equal(found, ""))
        words = part["split"].to_pylist() if has_split else ["train"] * len(part)
        splits = [_split(word) for word in words]
        known = np.array([split is not None for split in splits], bool)
        written = list(zip(part["file"].to_pylist(), words, strict=True))
        for kind, bad in ((NO_FILE, ~named), (OTHER_SPLIT, named & ~known)):
            rows = [written[row] for row in np.flatnonzero(bad).tolist()]
            bad_rows.add(kind, [f"{file} (split {word})" for file, word in rows])
        kept = named & known
        names = found.filter(pa.array(kept)).to_pylist()
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


def _as_found(names: list[str | None], files: NamedFiles) -> list[str | None]:
    """The names of files where a table has others; looked for only where some of a few are."""
    few = [names[index] for index in evenly(SAMPLE, among=len(names))]
    if all(name and (files.folder / name).is_file() for name in few):
        return names
    return [name and (files.find(name) or name) for name in names]


def _split(word: str | None) -> str | None:
    split = split_of(word or "")
    return "val" if split == "test" else split


def _true(column: pa.Array) -> np.ndarray:
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
        raise InputError(f"{table} lists no photo whose split is {' or '.join(WORDS[split])}")
