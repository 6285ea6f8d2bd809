"""Text tables of any size, parsed a block at a time in the thread that asks for them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from tasks.geolocation.tables.bad_rows import BadRows

BLOCK_BYTES = 1 << 24
MOST_BLOCKS = 8  # that a row may fill
HEADER_BYTES = 1 << 16
BOM = b"\xef\xbb\xbf"


def head_of(path: Path) -> bytes:
    """The beginning of a table, packed or not, without a byte order mark."""
    with pa.input_stream(path, compression="detect") as file:
        head: bytes = file.read(HEADER_BYTES)
    return head.removeprefix(BOM)


def read_blocks(
    path: Path,
    places: Mapping[str, int],
    *,
    num_columns: int,
    separator: str,
    has_header: bool,
    bad_rows: BadRows,
) -> Iterator[pa.Table]:
    """Columns of a table as text, a part at a time.

    pyarrow's own reader of streams parses in threads of its own, which call back to Python for each
    row that they cannot use: where a command ends before its table does, they end the process. So
    the file is cut at ends of rows here, and each block is parsed by itself, in this thread.

    Args:
        path: Of the table, packed or not.
        places: Of the columns to read, by what they are to be called.
        num_columns: That a row has.
        separator: Between cells.
        has_header: Whether there is a first row to leave out. Cells may be in quotes then, and
            hold ends of lines.
        bad_rows: Gets the rows that have another number of cells.
    """
    numbers = [str(place) for place in places.values()]
    parse = csv.ParseOptions(
        delimiter=separator,
        quote_char='"' if has_header else False,
        newlines_in_values=has_header,
        invalid_row_handler=bad_rows.add_broken,
    )
    convert = csv.ConvertOptions(
        include_columns=numbers,
        column_types=dict.fromkeys(numbers, pa.string()),
        strings_can_be_null=True,
    )
    header = has_header
    for rows in _blocks(path, quoted=has_header):
        if header:
            rows, header = rows[len(first_row(rows)) :], False
        if rows.strip():
            read = csv.ReadOptions(
                use_threads=False,
                column_names=list(map(str, range(num_columns))),
                block_size=len(rows) + 1,  # one for all: no row is longer
            )
            part = csv.read_csv(
                pa.BufferReader(rows),
                read_options=read,
                parse_options=parse,
                convert_options=convert,
            )
            yield part.rename_columns(list(places))


def first_row(block: bytes) -> bytes:
    """The first row with its end, which is no end of a line in quotes."""
    newline = b"\n" if b"\n" in block else b"\r"  # as an old Mac has it
    end = block.find(newline) + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.find(newline, end) + 1
    return block[:end] if end else block


def _blocks(path: Path, *, quoted: bool) -> Iterator[bytes]:
    """The file in pieces that end with a row."""
    with pa.input_stream(path, compression="detect") as file:
        rest = file.read(BLOCK_BYTES).removeprefix(BOM)
        while read := file.read(BLOCK_BYTES):
            rest += read
            # among many lines there is a whole row: else a quote stands alone, and closes nothing
            lost = len(rest) > MOST_BLOCKS * BLOCK_BYTES
            if end := _end_of_last_row(rest, quoted=quoted and not lost):
                yield rest[:end]
                rest = rest[end:]
    if rest:
        yield rest


def _end_of_last_row(block: bytes, *, quoted: bool) -> int:
    r"""How much of a block is whole rows: up to the last end of a line that is in no quotes.

    >>> _end_of_last_row(b'a,"b\nc"\nd,"e\nf', quoted=True)
    8
    >>> _end_of_last_row(b'5" screen\nb', quoted=True)  # a quote that stands alone
    0
    """
    end = block.rfind(b"\n") + 1
    if not quoted:
        return end
    inside = block.count(b'"', 0, end) % 2
    while inside and end:
        earlier = block.rfind(b"\n", 0, end - 1) + 1
        inside ^= block.count(b'"', earlier, end) % 2
        end = earlier
    return end
