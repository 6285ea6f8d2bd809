"""Which files are photos, in folders as notebooks, phones and other systems leave them."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from backbone.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".webp", ".tif", ".tiff")
# What systems keep beside photos: a Mac in archives, a Synology in folders.
SYSTEM_FOLDERS = ("__MACOSX", "@eaDir")


def find_images(path: str | Path, *, without: Path | None = None) -> list[Path]:
    """Lists the images that a file, a folder (with its subfolders) or a glob pattern stands for.

    In folders and patterns, files count by their suffix; hidden ones, and those in hidden folders,
    are left out.

    Args:
        path: What stands for them.
        without: A folder that is left out if it is inside the one that is searched.

    Raises:
        InputError: If there are none.
    """
    path = Path(str(path)).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        where, searched, found = f"in the folder {path}", path, list_images(path)
    elif glob.has_magic(str(path)):
        matches = glob.glob(str(path), recursive=True)
        where, found = f"match {path}", _only_images(map(Path, matches))
        searched = next(folder for folder in path.parents if not glob.has_magic(str(folder)))
    else:
        raise InputError(f"No file or folder at {path}")
    if without and searched.resolve() in without.resolve().parents:
        where += f" but in {without}"
        found = [image for image in found if without.resolve() not in image.resolve().parents]
    if not found:
        raise InputError(f"No images {where}; looked for names ending in {', '.join(SUFFIXES)}")
    return found


def list_images(folder: Path) -> list[Path]:
    """The images in a folder and its subfolders, sorted, those behind links to folders too.

    Hidden files are left out, and so is what lies in hidden folders and in those of systems.
    """
    return _only_images(_files(folder, seen=frozenset()))


def _files(folder: Path, *, seen: frozenset[Path]) -> Iterator[Path]:
    """All files below a folder; a link to a folder that is open above it leads nowhere."""
    real = folder.resolve()
    if real in seen or not folder.is_dir():
        return
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error}") from error
    for entry in inside:
        path = folder / entry.name
        if not entry.is_dir():
            yield path
        elif not is_aside(path):
            yield from _files(path, seen=seen | {real})


def is_aside(folder: Path) -> bool:
    """Whether a folder is hidden, or one that a system keeps beside photos."""
    return folder.name.startswith(".") or folder.name in SYSTEM_FOLDERS


def is_image_name(path: Path) -> bool:
    """Whether a file is taken for an image: by its suffix, unless it is hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _only_images(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if is_image_name(path) and path.is_file())
