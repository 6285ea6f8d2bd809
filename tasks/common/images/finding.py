"""Which files are photos, in folders as notebooks, phones and other systems leave them."""

import functools
import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, overload

from backbone.errors import InputError
from tasks.common.images.signatures import ENOUGH, image_kind
from tasks.common.report import counted

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".webp"),
    *(".tif", ".tiff", ".jp2", ".avif", ".heic", ".heif"),
)
FILM_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".mts")
STREAM = re.compile(r"\w+://")
# What systems keep beside photos: a Mac in archives, a Synology in folders.
SYSTEM_FOLDERS = ("__MACOSX", "@eaDir")
# Kinds of files beside the suffixes.
HIDDEN, UNNAMED, BROKEN = "hidden", "without suffix", "links to nothing"
KINDS_SHOWN = 8


class PathList(Sequence[Path]):
    """Files as text, which takes a fifth of the memory of as many ``Path``."""

    def __init__(self, paths: Iterable[Path | str]) -> None:
        self._texts = list(map(str, paths))

    @classmethod
    def in_order(cls, paths: Iterable[Path | str]) -> "PathList":
        """Sorted as ``Path`` sorts, folder by folder."""
        texts = [str(path) for path in paths]
        texts.sort(key=_by_folder)
        return cls(texts)

    def only(self, places: Sequence[int]) -> "PathList":
        """Those at some places."""
        return PathList(self._texts[place] for place in places)

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> "PathList": ...
    def __getitem__(self, index: int | slice) -> "Path | PathList":
        chosen = self._texts[index]
        return Path(chosen) if isinstance(chosen, str) else PathList(chosen)


def _by_folder(text: str) -> str:
    return text.replace(os.sep, "\0")  # which comes before all that names have


class Found(NamedTuple):
    """What a file, a folder or a pattern stands for.

    Attributes:
        photos: The images, sorted.
        films: The films, sorted: files, numbers of cameras or addresses of streams.
        root: The folder that was searched, or that of the only file.
        others: How many files are neither, by suffix.
    """

    photos: PathList
    films: Sequence[str]
    root: Path
    others: Counter[str]

    def left_out(self) -> list[str]:
        """A line about the files that are no photos, if there are any."""
        return others_line(self.others, beside=len(self.photos) + len(self.films))


def others_line(others: Counter[str], *, beside: int) -> list[str]:
    """A line about files that are no photos, by suffix, if there are any.

    >>> others_line(Counter({".mov": 3, ".txt": 1}), beside=8)
    ['4 of 12 files are no photos: 3 .mov, 1 .txt']
    """
    number = others.total()
    if not number:
        return []
    kinds = [f"{count} {kind}" for kind, count in others.most_common(KINDS_SHOWN)]
    more = ["others"] * (len(others) > KINDS_SHOWN)
    total = counted(number + beside, "file", "files")
    are = "is no photo" if number == 1 else "are no photos"
    return [f"{number} of {total} {are}: {', '.join([*kinds, *more])}"]


def find_images(path: str | Path, *, without: Path | None = None) -> list[Path]:
    """Lists the images that a file, a folder (with its subfolders) or a glob pattern stands for.

    In folders and patterns, files count by their suffix, and those without one by how they begin;
    hidden ones, and those in hidden folders, are left out.

    Args:
        path: What stands for them.
        without: A folder that is left out if it is inside the one that is searched.

    Raises:
        InputError: If there are none.
    """
    return list(find_photos(path, without=without).photos)


def find_photos(path: str | Path, *, without: Path | None = None, films: bool = False) -> Found:
    """As ``find_images``, with what else is there.

    Args:
        path: What stands for them.
        without: A folder that is left out if it is inside the one that is searched.
        films: Whether films are looked for, too.

    Raises:
        InputError: If there are none.
    """
    if films and is_camera(str(path)):
        return Found(PathList([]), [str(path)], Path(), Counter())
    path = Path(str(path)).expanduser()
    if path.is_file():
        is_film = films and path.suffix.lower() in FILM_SUFFIXES
        photos, moving = ([], [str(path)]) if is_film else ([path], [])
        return Found(PathList(photos), moving, path.parent, Counter())
    if path.is_dir():
        where, searched, files = f"in the folder {path}", path, _files(path, seen=frozenset())
    elif glob.has_magic(str(path)):
        matches = glob.iglob(str(path), recursive=True)
        where, files = (
            f"match {path}",
            (match for match in map(Path, matches) if not match.is_dir()),
        )
        searched = next(folder for folder in path.parents if not glob.has_magic(str(folder)))
    else:
        raise InputError(f"No file or folder at {path}")
    if without and searched.resolve() in without.resolve().parents:
        where += f" but in {without}"
        files = _outside(files, without.resolve())
    found = _sorted_out(files, searched, films=films)
    if not (found.photos or found.films):
        others = "".join(f". {line}" for line in found.left_out())
        raise InputError(
            f"No images {where}; looked for names ending in {', '.join(SUFFIXES)}{others}"
        )
    return found


def _sorted_out(files: Iterable[Path], root: Path, *, films: bool) -> Found:
    photos, moving, others = [], [], Counter[str]()
    for file in files:
        suffix = file.suffix.lower()
        if not file.is_file():
            others[BROKEN] += 1
        elif is_image(file):
            photos.append(str(file))
        elif films and suffix in FILM_SUFFIXES and not file.name.startswith("."):
            moving.append(str(file))
        else:
            others[HIDDEN if file.name.startswith(".") else suffix or UNNAMED] += 1
    return Found(PathList.in_order(photos), sorted(moving), root, others)


def is_camera(name: str) -> bool:
    """Whether a name is a camera's number or a stream's address, and nothing on the disk."""
    return (name.isdigit() or bool(STREAM.match(name))) and not Path(name).exists()


def photos_in(folder: Path) -> Found:
    """The images in a folder and its subfolders, those behind links to folders too, if any.

    Hidden files are left out, and so is what lies in hidden folders and in those of systems.
    """
    return _sorted_out(_files(folder, seen=frozenset()), folder, films=False)


def list_images(folder: Path) -> list[Path]:
    """The images of ``photos_in``, sorted."""
    return list(photos_in(folder).photos)


def _files(folder: Path, *, seen: frozenset[Path]) -> Iterator[Path]:
    """All files below a folder; a link to a folder that is open above it leads nowhere."""
    real = folder.resolve()
    if real in seen or not folder.is_dir():
        return
    try:
        with os.scandir(folder) as entries:
            inside = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error}") from error
    for name, is_folder in inside:
        path = folder / name
        if not is_folder:
            yield path
        elif not is_aside(path):
            yield from _files(path, seen=seen | {real})


def _outside(files: Iterable[Path], folder: Path) -> Iterator[Path]:
    """Those that are not in a folder, whose path is whole."""

    @functools.cache
    def is_inside(parent: Path) -> bool:
        real = parent.resolve()
        return folder == real or folder in real.parents

    for file in files:
        if not is_inside(file.resolve().parent if file.is_symlink() else file.parent):
            yield file


def is_aside(folder: Path) -> bool:
    """Whether a folder is hidden, or one that a system keeps beside photos."""
    return folder.name.startswith(".") or folder.name in SYSTEM_FOLDERS


def is_image_name(path: Path) -> bool:
    """Whether a file is taken for an image by its suffix, unless it is hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def is_image(path: Path) -> bool:
    """Whether a file is taken for an image: by its name, or without a suffix by how it begins."""
    if path.suffix or path.name.startswith("."):
        return is_image_name(path)
    try:
        with path.open("rb") as file:
            return image_kind(file.read(ENOUGH)) is not None
    except OSError:
        return False
