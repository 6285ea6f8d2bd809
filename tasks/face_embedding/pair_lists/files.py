"""Pairs of photos by the names of their files, as people list their own."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.files.named_files import NamedFiles
from tasks.common.files.names import check_file_name
from tasks.common.files.text_tables import separator_of
from tasks.common.images.finding import list_images
from tasks.face_embedding.pair_lists.pair_list import Pairs

FOLDS = 10  # as LFW has
SAME, OTHER = ("1", "true", "yes"), ("0", "-1", "false", "no")
ANSWERS = dict.fromkeys(SAME, True) | dict.fromkeys(OTHER, False)
FORM = "a file, another, and 1 where both are of one person or 0, in a line"


def is_named(lines: Sequence[tuple[int, str]]) -> bool:
    """Whether lines are of this form: the first one, or the one below a header, has an answer."""
    if not lines:
        return False
    rows = [_cells(text, separator_of(lines[0][1])) for _, text in lines[:2]]
    return len(rows[0]) >= 3 and any(_is_pair(row) for row in rows)


def _is_pair(cells: Sequence[str]) -> bool:
    return len(cells) == 3 and cells[2].lower() in ANSWERS


def read_named_pairs(file: Path, root: Path, lines: Sequence[tuple[int, str]]) -> Pairs:
    """Reads lines of two files and whether they show one person, with a header or without.

    Commas, semicolons or tabs part them, or blanks where there are none of these. Folds have equal
    shares of both kinds, in turns.

    Args:
        file: For messages.
        root: Folder that the files are in.
        lines: Those that are not blank, with their numbers.

    Raises:
        InputError: Naming the line that is wrong, or whose photo is missing.
    """
    rows = [(number, _cells(text, separator_of(lines[0][1]))) for number, text in lines]
    if not _is_pair(rows[0][1]):
        rows = rows[1:]  # below a header
    files = NamedFiles(root, list_images)
    index: dict[str, int] = {}
    photos, same = [], []
    for number, cells in rows:
        source = f"data.pairs={file}, line {number}"
        if not _is_pair(cells):
            raise InputError(f"{source}: {' '.join(cells)!r:.120} is not {FORM}")
        ends = [_found(name, files, source=source) for name in cells[:2]]
        if ends[0] == ends[1]:
            raise InputError(f"{source}: {' '.join(cells)!r:.120} is one photo, not a pair")
        photos.append([index.setdefault(name, len(index)) for name in ends])
        same.append(ANSWERS[cells[2].lower()])
    answers = np.array(same, bool)
    if len(set(same)) != 2:
        raise InputError(f"data.pairs={file}: pairs of one person and pairs of two are both needed")
    names, named = _people(list(index), photos, same)
    return Pairs(
        file,
        [root / name for name in index],
        names,
        np.array(photos),
        answers,
        _folds(answers),
        named=named,
    )


def _cells(text: str, separator: str) -> list[str]:
    if separator in text:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=separator))]
    return re.split(r"\s+", text.strip())


def _found(name: str, files: NamedFiles, *, source: str) -> str:
    found = files.find(name)
    if found is None:
        check_file_name(name, source=source)
        raise InputError(f"{source}: there is no photo {name} in data.pairs_root={files.folder}")
    return found


def _people(
    names: Sequence[str], photos: Sequence[Sequence[int]], same: Sequence[bool]
) -> tuple[list[str], bool]:
    """Whose each photo is, and whether that is known: by its folder, if all pairs agree."""
    folders = [Path(name).parent.as_posix() for name in names]
    agree = all(
        (folders[first] == folders[second]) == is_same
        for (first, second), is_same in zip(photos, same, strict=True)
    )
    return (folders, True) if agree else (list(names), False)


def _folds(same: np.ndarray) -> np.ndarray:
    """The fold of each pair, ``(P,)``; fewer than ten where there are too few of a kind."""
    number = min(FOLDS, int(same.sum()), int((~same).sum()))
    folds = np.zeros(len(same), np.int64)
    for kind in (same, ~same):
        folds[kind] = np.arange(kind.sum()) % number
    return folds
