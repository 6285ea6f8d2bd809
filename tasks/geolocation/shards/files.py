"""Photos and where they were taken, packed into shards: tar files and an index of all photos.

A shard has two members for each photo, ``NUMBER.jpg`` (as its file was, or smaller) and
``NUMBER.json``, which is WebDataset's convention, so that its readers read them too.
"""

import json
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from backbone.errors import InputError
from backbone.files import replacing
from tasks.common.data.labels import LabelMap
from tasks.common.images.packed import PackedImage
from tasks.geolocation.photos import GeoPhotos

INDEX = "index.parquet"
AGAIN = "run tools/make_shards.py as before, which writes what is missing"
# Of each photo: the number of its shard in the split, and where in it the file is.
PART = np.dtype(
    [("shard", np.int32), ("offset", np.int64), ("size", np.int64), ("checksum", np.uint32)]
)
FilePlace = tuple[int, int, int]  # offset, size and checksum
TYPES = {
    "split": pa.string(),
    "file": pa.string(),
    "latitude": pa.float64(),
    "longitude": pa.float64(),
    "place": pa.int64(),
    **{name: pa.from_numpy_dtype(PART[name]) for name in PART.names or ()},
}


@dataclass(frozen=True, eq=False, kw_only=True)
class ShardPhotos(GeoPhotos):
    """``N`` photos in the shards of ``folder``.

    Attributes:
        parts: Where each is, of ``PART``, ``(N,)``.
        split: ``train`` or ``val``, which their shards are called by.
    """

    parts: np.ndarray
    split: str

    def image(self, index: int) -> PackedImage:
        shard, *place = self.parts[index].tolist()
        name = os.fsdecode(self.file_names[index])
        return PackedImage(shard_path(self.folder, self.split, shard), name, *place)

    def name(self, index: int) -> str:
        """The shard and the key of a photo in there, as WebDataset's readers have them."""
        path = self.image(index).pack
        offset = int(self.parts["offset"][index])
        keys = {place[0]: key for key, place in look_into_shard(path).items()}
        return f"{path.name}/{keys[offset]:09d}"

    def path(self, index: int) -> Path:
        """The shard of a photo with the photo's name, as a name to show."""
        return Path(str(self.image(index)))

    def select(self, chosen: np.ndarray) -> Self:
        """Some of the photos, by index or mask."""
        return replace(super().select(chosen), parts=self.parts[chosen])


def shard_path(folder: Path, split: str, number: int) -> Path:
    """A shard's file."""
    return folder / f"{split}-{number:06d}.tar"


def write_shard(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Writes files into a tar file, which appears complete or not at all.

    Equal files make equal shards: neither time nor owner is in them.

    Raises:
        InputError: If there is no room.
    """
    try:
        with replacing(path) as temporary, tarfile.open(temporary, "w") as tar:
            for name, data in members:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, BytesIO(data))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}. Make room and {AGAIN}") from error


def look_into_shard(path: Path) -> dict[int, FilePlace]:
    """Offset, size and checksum of each photo in a shard, by the photo's number.

    Raises:
        InputError: If the shard is damaged.
    """
    places: dict[int, tuple[int, int]] = {}
    checksums: dict[int, int] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                number, _, kind = member.name.partition(".")
                if kind == "json":
                    facts = tar.extractfile(member)
                    assert facts is not None
                    checksums[int(number)] = json.load(facts)["crc32"]
                else:
                    places[int(number)] = member.offset_data, member.size
        return {number: (*place, checksums[number]) for number, place in places.items()}
    except (tarfile.TarError, OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"{path} is damaged or cut short: {error}. Remove it and {AGAIN}"
        ) from error


def write_index(folder: Path, photos: Iterable[ShardPhotos]) -> None:
    """Writes what ``read_shards`` reads."""
    tables = [
        pa.table(
            {
                "split": [each.split] * len(each),
                "file": [os.fsdecode(name) for name in each.file_names.tolist()],
                "latitude": each.points[:, 0],
                "longitude": each.points[:, 1],
                "place": each.albums,
                **{name: each.parts[name] for name in PART.names or ()},
            },
            schema=pa.schema(TYPES),
        )
        for each in photos
    ]
    with replacing(folder / INDEX) as temporary:
        parquet.write_table(pa.concat_tables(tables), temporary)


def read_shards(folder: Path) -> dict[str, ShardPhotos]:
    """The photos of each split, ``train`` and ``val``, still without targets.

    No photo is looked at, but every shard must be there and as long as the index says.

    Raises:
        InputError: If index or shards are missing, damaged or cut short.
    """
    if not (folder / INDEX).is_file():
        raise InputError(f"{folder} has no {INDEX}, which is written last: {AGAIN}")
    try:
        table = parquet.read_table(folder / INDEX).select(list(TYPES)).cast(pa.schema(TYPES))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(
            f"{folder / INDEX} cannot be read: {error}. Remove it and {AGAIN}"
        ) from error
    parts = np.empty(len(table), PART)
    for name in PART.names or ():
        parts[name] = table[name].to_numpy()
    everything = ShardPhotos(
        folder,
        _names(table["file"]),
        np.zeros((len(table), 0), np.int64),
        LabelMap((), ()),
        points=np.stack([table["latitude"].to_numpy(), table["longitude"].to_numpy()], axis=1),
        albums=table["place"].to_numpy(),
        parts=parts,
        split="",
    )
    photos = {}
    for split in ("train", "val"):
        here = pc.equal(table["split"], split).to_numpy()
        photos[split] = replace(everything.select(here), split=split)
    for each in photos.values():
        _check_lengths(each)
    return photos


def _names(column: pa.ChunkedArray) -> np.ndarray:
    """A column of text as ``Photos`` has it, a part at a time: Python's strings take gigabytes."""
    column = column.cast(pa.binary())
    width = pc.max(pc.binary_length(column)).as_py() or 1
    parts = [np.array(part.to_pylist(), f"S{width}") for part in column.chunks]
    return np.concatenate([np.zeros(0, f"S{width}"), *parts])


def _check_lengths(photos: ShardPhotos) -> None:
    """Raises an InputError if a shard is missing or ends before its last photo does."""
    ends = np.zeros(int(photos.parts["shard"].max(initial=-1)) + 1, np.int64)
    np.maximum.at(ends, photos.parts["shard"], photos.parts["offset"] + photos.parts["size"])
    for number in np.flatnonzero(ends).tolist():
        path = shard_path(photos.folder, photos.split, number)
        try:
            length = path.stat().st_size
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error}; {AGAIN}") from error
        if length < ends[number]:
            raise InputError(
                f"{path} is cut short: it has {length:,} bytes of {ends[number]:,} or more. "
                f"Remove it and {AGAIN}"
            )
