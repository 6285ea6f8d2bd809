"""Tables of photos and where they were taken, read a part at a time: CSV, Parquet, Exif."""

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from backbone.errors import InputError
from tasks.common.data.label_tables import FILES, SPLITS
from tasks.common.files.text_tables import check_kind, separator_of
from tasks.geolocation.tables.angles import SIDES, to_degrees
from tasks.geolocation.tables.bad_rows import AS_WRITTEN, BadRows
from tasks.geolocation.tables.csv_blocks import first_row, head_of, read_blocks
from tasks.geolocation.tables.exif import read_exif
from tasks.geolocation.tables.yfcc import is_yfcc, read_yfcc

# What a column may be called; the first is ours. IMG_ID, LAT and LON are MP-16's, SourceFile and
# GPSLatitude exiftool's.
NAMES: Mapping[str, tuple[str, ...]] = {
    "file": FILES,
    "latitude": ("latitude", "lat", "gpslatitude", "gps_latitude", "gps latitude"),
    "longitude": ("longitude", "lon", "lng", "long", "gpslongitude", "gps_longitude"),
    "split": SPLITS,
    "place": ("place", "album"),
}
NO_SPLIT = (
    ". Without one, data.val_share=0.2 (val_share=0.2 of tools/make_shards.py) holds a fifth of "
    "the places out to validate on, and "
    "tools/prepare.py dataset=geotagged root=TABLE output=NEW.csv writes a table with one"
)
PACKED = (".gz", ".bz2")


def read_table(path: Path, *, needed: tuple[str, ...], bad_rows: BadRows) -> Iterator[pa.Table]:
    """The columns of a table that mean something here, a part at a time.

    Args:
        path: A CSV file (``.tsv`` with tabs, either packed or not), a Parquet file, the metadata
            of YFCC100M, or a folder of photos, whose Exif says where they were taken.
        needed: Columns without which it is refused.
        bad_rows: Gets what has another number of values than there are columns.

    Yields:
        Tables with any of ``NAMES``; latitude and longitude as numbers, the rest as text. What is
        missing or no number is null.

    Raises:
        InputError: If there is no such table, it cannot be read, or lacks a column.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such table or folder")
    try:
        with _undecodable_rows_left_to_arrow():
            yield from _numbered(_parts(path, needed, bad_rows))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error


def _parts(path: Path, needed: tuple[str, ...], bad_rows: BadRows) -> Iterator[pa.Table]:
    if path.is_dir():
        return read_exif(path)
    if path.suffix == ".parquet":
        return _read_parquet(path, needed)
    if is_yfcc(path):
        return read_yfcc(path, bad_rows)
    return _read_csv(path, needed, bad_rows)


@contextmanager
def _undecodable_rows_left_to_arrow() -> Iterator[None]:
    """Keeps a traceback off the console that says less than the error which follows.

    pyarrow cannot hand ``BadRows`` a row that is no UTF-8; Python then reports that, and pyarrow
    refuses the row by itself.
    """
    report = sys.unraisablehook

    def ours(found: "sys.UnraisableHookArgs") -> None:
        if getattr(found.object, "__func__", None) is not BadRows.add_broken:
            report(found)

    sys.unraisablehook = ours
    try:
        yield
    finally:
        sys.unraisablehook = report


def _read_csv(path: Path, needed: tuple[str, ...], bad_rows: BadRows) -> Iterator[pa.Table]:
    head = head_of(path)
    check_kind(path, head)
    header = first_row(head).decode()
    suffixes = [suffix for suffix in path.suffixes if suffix not in PACKED]
    separator = "\t" if suffixes[-1:] == [".tsv"] else separator_of(header)
    columns = next(csv.reader([header], delimiter=separator), [])
    names = _names(columns, path=path, needed=needed)
    return read_blocks(
        path,
        {name: columns.index(theirs) for name, theirs in names.items()},
        num_columns=len(columns),
        separator=separator,
        has_header=True,
        bad_rows=bad_rows,
    )


def _read_parquet(path: Path, needed: tuple[str, ...]) -> Iterator[pa.Table]:
    with parquet.ParquetFile(path) as opened:
        names = _names(opened.schema_arrow.names, path=path, needed=needed)
        for batch in opened.iter_batches(columns=list(names.values()), batch_size=1 << 20):
            part = pa.Table.from_batches([batch])
            yield pa.table({name: part[theirs] for name, theirs in names.items()})


def _names(theirs: list[str], *, path: Path, needed: tuple[str, ...]) -> dict[str, str]:
    """The table's own name of each column that it has, by ours."""
    found = {}
    for name, others in NAMES.items():
        matching = [column for column in theirs if column.strip().lower() in others]
        if name == "file":  # programs that list files have several columns of their names
            matching.sort(key=lambda column: others.index(column.strip().lower()))
            matching = matching[:1]
        if len(matching) > 1:
            raise InputError(f"{path}: several columns are a {name}: {', '.join(matching)}")
        if matching:
            found[name] = matching[0]
    missing = [name for name in needed if name not in found]
    if missing:
        raise InputError(
            f"{path} has the columns {', '.join(theirs[:12])}; it lacks {', '.join(missing)}. "
            f"Allowed names are {'; '.join(' or '.join(NAMES[name]) for name in missing)}"
            + NO_SPLIT
            * ("split" in missing)
        )
    return found


def _numbered(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    for part in parts:
        columns = dict(zip(part.column_names, part.columns, strict=True))
        for name, column in list(columns.items()):
            if name not in SIDES:
                columns[name] = column.cast(pa.string())
                continue
            columns[name] = to_degrees(column, name)
            if columns[name].null_count > column.null_count:
                columns[f"{name}{AS_WRITTEN}"] = column
        yield pa.table(columns)
