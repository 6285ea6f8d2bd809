"""Tables as text, in the dialects that spreadsheets and programs write them in."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from backbone.errors import InputError

SEPARATORS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
QUOTED = re.compile(r'"[^"]*"')
UNNAMED = re.compile(r"^(unnamed: \d+)?$", re.IGNORECASE)  # as pandas writes and reads an index
# Other files that hold tables, by how they begin; a table has none of these in its first cell.
OTHER_KINDS = {
    b"PK\x03\x04": "an archive, as workbooks of Excel and LibreOffice are: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "a workbook of an older Excel: save the sheet as CSV",
    b"SQLite format 3": "a database: write its table as CSV",
    b"PAR1": "a Parquet file: call it .parquet, or write it as CSV",
    b"<": "XML, as KML and GPX are: write it as CSV, with a column for each value",
    b"{": "JSON, as GeoJSON is: write it as CSV, with a column for each value",
    b"[": "JSON: write it as CSV, with a column for each value",
}
ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class TextTable:
    """Cells as text, without blanks around them, below the names of their columns.

    Attributes:
        file: Where it is from.
        columns: The cells of each column, by its name.
    """

    file: Path
    columns: dict[str, list[str]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


def separator_of(header: str) -> str:
    r"""What parts the columns in the first row of a table: what is most often there.

    >>> separator_of("file;latitude;longitude"), separator_of('"a, b"\tc')
    (';', '\t')
    >>> separator_of("file")
    ','
    """
    plain = QUOTED.sub("", header)
    return max(SEPARATORS, key=plain.count)


def check_kind(path: Path, head: bytes) -> None:
    """Refuses what is no table as text.

    Args:
        path: The file.
        head: How it begins.

    Raises:
        InputError: Saying what it is and what to do.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, what in OTHER_KINDS.items():
        if start.startswith(beginning):
            raise InputError(
                f"{path} is no table of cells between commas, semicolons or tabs. It begins as "
                f"{what}"
            )


def read_text_table(file: Path) -> TextTable:
    """A table with a header, in UTF-8 or in UTF-16 with a byte order mark.

    Columns without a name, as pandas writes an index, are left out; lines without a cell too.

    Raises:
        InputError: If there is no such file, it is no table, has a column twice, a row with other
            than one cell a column, or no row.
    """
    header, *rows = _read_rows(file)
    names = [name.strip() for name in header]
    named = [place for place, name in enumerate(names) if not UNNAMED.match(name)]
    twice = sorted({names[i] for i in named if names.count(names[i]) > 1})
    if twice:
        raise InputError(f"{file}: the header has the column {twice[0]!r} more than once")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise InputError(
                f"{file}: row {line} has {len(row)} cells, and the header {len(names)}"
            )
    if not rows:
        raise InputError(f"{file} has a header and no rows: it must list photos")
    return TextTable(file, {names[i]: [row[i].strip() for row in rows] for i in named})


def _read_rows(file: Path) -> list[list[str]]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; it must list the photos") from error
    check_kind(file, content[:64])
    encoding = next((ENCODINGS[mark] for mark in ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
        lines = text.splitlines(keepends=True)
        separator = "\t" if file.suffix == ".tsv" else separator_of(next(iter(lines), ""))
        rows = [row for row in csv.reader(lines, delimiter=separator) if any(map(str.strip, row))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{file} is no CSV file in UTF-8: {error}. Save it as 'CSV UTF-8'"
        ) from error
    if not rows:
        raise InputError(f"{file} is empty; it must list the photos, below a header")
    return rows
