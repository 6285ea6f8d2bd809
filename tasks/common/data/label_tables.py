"""Photos that a table lists, with what it says of each: whatever its columns are called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from backbone.errors import InputError
from tasks.common.data.held_out import share_of
from tasks.common.data.photos import PhotosT, relative_names
from tasks.common.data.split_words import TEST, TRAIN, VAL, split_of
from tasks.common.files.named_files import NamedFiles
from tasks.common.files.names import check_file_name
from tasks.common.files.text_tables import read_text_table
from tasks.common.images.finding import list_images
from tasks.common.report import counted

# What a column may be called, the likeliest first; the first is ours.
FILES = (
    *("file", "sourcefile", "filename", "file_name", "image_id", "image_path", "img_path"),
    *("filepath", "file_path", "path", "image", "image_name", "img", "img_id", "photo", "id"),
)
SPLITS = ("split", "subset", "partition")


@dataclass(frozen=True)
class LabelRows:
    """The rows of a table, ``N`` photos.

    Attributes:
        table: The file.
        names: Of the photos, as they are written there, ``N``.
        columns: What is said of them, by the name of the column.
        splits: What part each is of, in the words of the table; None if it does not say.
    """

    table: Path
    names: list[str]
    columns: dict[str, list[str]]
    splits: list[str] | None

    def select(self, kept: Sequence[int]) -> "LabelRows":
        """Some of the rows, by number."""
        return LabelRows(
            self.table,
            [self.names[row] for row in kept],
            {name: [cells[row] for row in kept] for name, cells in self.columns.items()},
            self.splits and [self.splits[row] for row in kept],
        )


def find_table(root: Path, given: str | int | None) -> Path:
    """The table of a data set: the one that is given, or the only one in its folder.

    Raises:
        InputError: If there is none, or several.
    """
    if given not in (None, ""):
        inside = root / str(given)
        return inside if inside.is_file() else Path(str(given))
    usual = root / "labels.csv"
    tables = [usual] if usual.is_file() else sorted(root.glob("*.[ct]sv"))
    if len(tables) != 1:
        names = ", ".join(path.name for path in tables)
        there = f"several tables: {names}" if names else "no table of labels"
        raise InputError(
            f"data.root={root} has {there}. "
            "Give data.table=FILE: CSV with a column file, one for what is to be learnt, and "
            "perhaps split"
        )
    return tables[0]


def read_label_rows(table: Path) -> LabelRows:
    """The rows of a table with a column of files.

    Raises:
        InputError: If it is no table, or has no such column.
    """
    read = read_text_table(table)
    columns = dict(read.columns)
    file, split = (_column(columns, allowed) for allowed in (FILES, SPLITS))
    if file is None:
        raise InputError(
            f"{table} lacks the column file; it has {', '.join(columns)}. It may be called "
            f"{', '.join(FILES[1:])} too"
        )
    names = columns.pop(file)
    splits = None if split is None else columns.pop(split)
    return LabelRows(table, names, columns, splits)


def needed_columns(rows: LabelRows, names: Iterable[str]) -> dict[str, list[str]]:
    """Columns by name.

    Raises:
        InputError: If one is missing.
    """
    missing = [name for name in names if name not in rows.columns]
    if missing:
        raise InputError(
            f"{rows.table} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; it has "
            f"{', '.join(rows.columns) or 'none but the file'}"
        )
    return {name: rows.columns[name] for name in names}


def found_names(rows: LabelRows, folder: Path) -> tuple[np.ndarray, list[str]]:
    """The files of the photos, and notes on those that the table calls otherwise.

    A name that leads to no file is left as it is.

    Returns:
        Names as ``Photos`` keeps them, relative to the folder, ``(N,)``, and the notes.

    Raises:
        InputError: If one leads out of the folder, or two rows are about one file.
    """
    files = NamedFiles(folder, list_images)
    seen: dict[str, int] = {}
    for line, name in enumerate(rows.names, start=2):
        found = files.find(name) if name else None
        if found is None:
            check_file_name(name, source=f"{rows.table}: row {line}")
        plain = str(PurePosixPath(found or name))
        if plain in seen:
            raise InputError(
                f"{rows.table}: rows {seen[plain]} and {line} are both about {plain}: leave one of "
                "them"
            )
        seen[plain] = line
    return relative_names(folder, [folder / name for name in seen]), files.notes


def part_of(
    photos: PhotosT, rows: LabelRows, split: str, *, val_share: float | None, group: str | None
) -> PhotosT:
    """The photos of ``train`` or ``val`` among all of a table.

    Those of ``test`` are validated on where there are none of ``val``.

    Args:
        photos: All of them, in the order of the rows.
        rows: Of the table.
        split: Whose to give.
        val_share: See ``held_out``; None where the table says.
        group: See ``held_out``.

    Raises:
        InputError: If neither or both say which photos to validate on, or there are none.
    """
    if rows.splits is None:
        if val_share is None:
            raise InputError(
                f"{rows.table} has no column split. Give data.val_share=0.2 to hold a fifth of the "
                f"photos out, or a column of {TRAIN[0]} and {VAL[0]}"
            )
        return share_of(photos, split, val_share, group=group)
    if val_share is not None:
        raise InputError(
            f"data.val_share={val_share}: {rows.table} has a column that says which photos to "
            "validate on. Give data.val_share=null"
        )
    parts = _parts(rows.table, rows.splits)
    validated = "val" if "val" in parts else "test"
    chosen = parts == ("train" if split == "train" else validated)
    if not chosen.any():
        words = TRAIN if split == "train" else (*VAL, *TEST)
        raise InputError(f"{rows.table} has no row whose split is {' or '.join(words)}")
    if split == "train":
        return photos.select(chosen)
    others = int(((parts == "test") & ~chosen).sum())
    left_out = [f"{counted(others, 'photo', 'photos')} of the split test left out"] * bool(others)
    return replace(photos.select(chosen), notes=tuple(left_out))


def _parts(table: Path, splits: Sequence[str]) -> np.ndarray:
    meaning = {word: split_of(word) for word in dict.fromkeys(splits)}
    for word, part in meaning.items():
        if part is None:
            raise InputError(
                f"{table}: row {splits.index(word) + 2} has the split {word!r}; it can be "
                f"{', '.join((*TRAIN, *VAL, *TEST))}"
            )
    return np.array([meaning[word] for word in splits])


def _column(columns: Iterable[str], allowed: Sequence[str]) -> str | None:
    by_name = {column.lower(): column for column in columns}
    return next((by_name[name] for name in allowed if name in by_name), None)
