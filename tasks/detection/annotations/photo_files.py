"""The files of photos: found by the names that labelling tools give them, and measured."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.files.named_files import NamedFiles
from tasks.common.files.names import check_file_name
from tasks.common.images.decoding import check_image
from tasks.common.images.finding import list_images
from tasks.common.machine.workers import threads
from tasks.common.report import counted
from tasks.detection.annotations.stored_pixels import stored

# Of a photo that cannot be read: no box is outside it, and the check of the photos is what tells.
UNMEASURED = (2**31, 2**31)
LOOKED_FOR = 50  # names, to see in which folder the photos are


def find_photos(
    names: Sequence[Any], folder: Path, *, ids: Sequence[Any], source: Path
) -> tuple[list[str], list[str]]:
    """The file of each name, and notes on how those were found that are not where they say.

    A file that is not found keeps its name, and is refused or skipped with the bad photos.

    Args:
        names: As written, relative to the folder, or what a tool makes of them.
        folder: Of the photos. Nothing outside it is found.
        ids: Of the photos, for messages.
        source: What has the names.

    Raises:
        InputError: If a name that is not found is none, or leads out of the folder.
    """
    files = NamedFiles(folder, list_images)
    found = []
    for number, name in zip(ids, names, strict=True):
        place = files.find(name) if isinstance(name, str) and name else None
        # a file that is outside is meant, and not the one of the same name inside
        if place is None or (".." in name and place != name and (folder / name).is_file()):
            check_file_name(name, source=f"{source}: image {number}")
            if "://" in name:
                raise InputError(
                    f"{source}: image {number} is at the address {name}, and {folder} has no one "
                    "file of that name: download the photos into it"
                )
        found.append(place or name)
    return found, [*files.notes, *_listed_twice(found, source=source)]


def _listed_twice(files: Sequence[str], *, source: Path) -> list[str]:
    repeated = [file for file, count in Counter(files).items() if count > 1]
    if not repeated:
        return []
    total = counted(len(repeated), "file is", "files are")
    return [
        f"{total} listed as more than one photo in {source}, such as {repeated[0]}: the objects of "
        "one are background in the other. List each file once, with all of its objects"
    ]


def folder_of(names: Sequence[Any], folders: Sequence[Path]) -> Path:
    """The folder that most of the first names are found in, by their names or almost so.

    Args:
        names: As written.
        folders: Those that may be it, at least one; the first of equals is taken.
    """
    wanted = [name for name in names[:LOOKED_FOR] if isinstance(name, str) and name]
    if len(folders) == 1 or not wanted:
        return folders[0]
    exact = [sum((folder / name).is_file() for name in wanted) for folder in folders]
    if not any(exact):
        searched = [NamedFiles(folder, list_images) for folder in folders]
        exact = [sum(files.find(name) is not None for name in wanted) for files in searched]
    return folders[exact.index(max(exact))]


def measure(sizes: np.ndarray, paths: Sequence[Path], *, exif: str) -> np.ndarray:
    """Widths and heights, int64 ``(N, 2)``, read from the files where they are 0.

    Args:
        sizes: As given.
        paths: The files.
        exif: ``apply`` for sizes of upright photos, ``ignore`` for those of the stored pixels.
    """
    unknown = np.flatnonzero((sizes == 0).any(axis=1))
    if not len(unknown):
        return sizes
    with threads() as pool:
        size = _size if exif == "apply" else _stored_size
        measured = list(pool.map(size, [paths[index] for index in unknown.tolist()]))
    filled = sizes.copy()
    filled[unknown] = measured
    return filled


def _size(path: Path) -> tuple[int, int]:
    try:
        return check_image(path)
    except InputError:
        return UNMEASURED


def _stored_size(path: Path) -> tuple[int, int]:
    found = stored(path)
    return found.size if found else UNMEASURED
