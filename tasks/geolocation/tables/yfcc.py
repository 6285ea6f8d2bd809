"""The metadata of YFCC100M, a hundred million photos and videos of Flickr (Thomee et al. 2016)."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.csv_blocks import head_of, read_blocks

# Tab-separated without a header, in two editions: as first published, and with a line number and
# the hash that names the file in the public copy of the photos. Numbers of the columns.
FIRST_EDITION = {"id": 0, "user": 1, "longitude": 10, "latitude": 11, "is_video": 22}
HASHED_EDITION = {"hash": 2, "user": 3, "longitude": 12, "latitude": 13, "is_video": 24}
EDITIONS = {23: FIRST_EDITION, 25: HASHED_EDITION}


def is_yfcc(path: Path) -> bool:
    """Whether a file is the metadata, packed or not, by the columns of its first line."""
    return _num_columns(head_of(path)) in EDITIONS


def read_yfcc(path: Path, bad_rows: BadRows) -> Iterator[pa.Table]:
    """The photos that have a place; videos and photos without one are left out.

    Yields:
        Tables of ``file`` (``3f/a0/3fa0....jpg``-like in the hashed edition, ``ID.jpg`` in the
        first), ``latitude``, ``longitude`` and ``place``, which is the user: photos of one user
        are alike and must not be in both splits.
    """
    count = _num_columns(head_of(path))
    numbers = EDITIONS[count]
    for part in read_blocks(
        path, numbers, num_columns=count, separator="\t", has_header=False, bad_rows=bad_rows
    ):
        wanted = pc.and_(pc.equal(part["is_video"], "0"), pc.is_valid(part["latitude"]))
        yield _ours(part.filter(wanted))


def _ours(part: pa.Table) -> pa.Table:
    if "hash" in part.column_names:
        name = part["hash"]
        folders = [pc.utf8_slice_codeunits(name, start, start + 3) for start in (0, 3)]
        file = pc.binary_join_element_wise(
            *folders, pc.binary_join_element_wise(name, "jpg", "."), "/"
        )
    else:
        file = pc.binary_join_element_wise(part["id"], "jpg", ".")
    return pa.table(
        {
            "file": file,
            "latitude": part["latitude"],
            "longitude": part["longitude"],
            "place": part["user"],
        }
    )


def _num_columns(head: bytes) -> int:
    return head.partition(b"\n")[0].count(b"\t") + 1
