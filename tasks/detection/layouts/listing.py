"""The files of a data set's folder, listed once for all layouts that look for theirs."""

import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from backbone.errors import InputError
from tasks.common.images.finding import FILM_SUFFIXES, is_aside, is_image_name
from tasks.common.report import counted

# Photos as cameras and programs keep them for themselves.
UNREAD = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".psd", ".svg")
HEAD_BYTES = 2**16  # enough to tell what a file holds


class Listing:
    """The files below a folder, by their names relative to it, with ``/``.

    Args:
        root: The folder. Hidden files are left out, and what systems keep beside photos.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._heads: dict[str, str] = {}

    @cached_property
    def files(self) -> list[str]:
        """All of them, sorted, those behind links to folders too."""
        return sorted(self._walk(self.root, "", seen=frozenset()))

    @cached_property
    def images(self) -> list[str]:
        """Those that are images by their suffix."""
        return [name for name in self.files if is_image_name(Path(name))]

    @property
    def unread(self) -> list[str]:
        """A line on films and on photos of kinds that are not read, by suffix, if there are any."""
        kinds = Counter(PurePosixPath(name.lower()).suffix for name in self.files)
        found = {kind: kinds[kind] for kind in (*FILM_SUFFIXES, *UNREAD) if kinds[kind]}
        if not found:
            return []
        each = ", ".join(f"{number} {kind}" for kind, number in found.items())
        return [
            f"{counted(sum(found.values()), 'film or raw file', 'films and raw files')}: {each}"
        ]

    def named(self, *suffixes: str) -> list[str]:
        """Those that end in one of these, in any capitals."""
        return [name for name in self.files if name.lower().endswith(suffixes)]

    def folders_named(self, *names: str) -> list[str]:
        """The folders of such a name, in any capitals, that have files below; the root is ``.``."""
        found = {
            str(folder)
            for name in self.files
            for folder in PurePosixPath(name).parents
            if folder.name.lower() in names
        }
        return sorted(found)

    def near(self, source: str, name: str) -> str:
        """Where a photo is that a file names: beside it, in ``images/`` there, or below the root.

        A name that leads to none of these is given back as it is.
        """
        path, folder = name.replace("\\", "/"), posixpath.dirname(source)
        for start in (folder, posixpath.join(folder, "images"), ""):
            place = posixpath.normpath(posixpath.join(start, path))
            if place in self._known:
                return place
        return name

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)

    def below(self, folder: str, names: list[str]) -> list[str]:
        """Those names that lie below a folder; ``.`` is the root."""
        start = "" if folder in ("", ".") else f"{folder}/"
        return [name for name in names if name.startswith(start)]

    def head(self, name: str) -> str:
        """How a file begins, as text; what is no text in it is replaced."""
        if name not in self._heads:
            with (self.root / name).open("rb") as file:
                data = file.read(HEAD_BYTES)
            encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
            self._heads[name] = data.decode(encoding, errors="replace")
        return self._heads[name]

    def holding(self, names: list[str], pattern: str) -> list[str]:
        """Those of the files whose beginning matches a regular expression."""
        return [name for name in names if re.search(pattern, self.head(name))]

    def _walk(self, folder: Path, prefix: str, *, seen: frozenset[str]) -> Iterator[str]:
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above
            return
        try:
            with os.scandir(folder) as entries:
                inside = list(entries)
        except OSError as error:
            raise InputError(f"The folder {folder} cannot be read: {error}") from error
        for entry in inside:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir():
                yield prefix + entry.name
            elif not is_aside(Path(entry.name)):
                yield from self._walk(
                    folder / entry.name, f"{prefix}{entry.name}/", seen=seen | {real}
                )


# Folders whose names tell what is in them, and not which photos.
KINDS = frozenset(
    {"annotations", "xmls", "xml", "json", "labels", "jpegimages", "images", "imgs", "img"}
)


def pair(images: list[str], sidecars: list[str]) -> tuple[dict[str, str], list[str]]:
    """The annotation file of each photo that has one: beside it, or in a folder parallel to its.

    ``images/train/a.jpg`` goes with ``labels/train/a.txt``, and ``JPEGImages/a.jpg`` with
    ``Annotations/a.xml``.

    Returns:
        Annotation files by their photos, and those without a photo.
    """
    paired: dict[str, str] = {}
    lonely = sidecars
    for key in (_stem, _place, _folded_place):
        free: dict[str, str] = {}
        for name in images:
            if name not in paired:
                free.setdefault(key(name), name)
        left = []
        for name in lonely:
            image = free.pop(key(name), None)
            if image is None:
                left.append(name)
            else:
                paired[image] = name
        lonely = left
    return paired, lonely


def in_annotated_folders(
    images: list[str], paired: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Those images whose folder has an annotated one, and a note on the others.

    What lies in folders of its own is no photo without objects, but a mask or a drawing.
    """
    folders = {posixpath.dirname(name) for name in paired}
    kept = [name for name in images if posixpath.dirname(name) in folders]
    others = sorted(
        {posixpath.dirname(name) or "." for name in images} - {f or "." for f in folders}
    )
    if not others:
        return kept, []
    total = counted(len(images) - len(kept), "picture", "pictures")
    named = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return kept, [f"{total} left out, in folders without annotations: {named}"]


def shortened(names: list[str], *, most: int = 4) -> str:
    """Names in a row; of many the first, and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]


def _place(name: str) -> str:
    *folders, last = _stem(name).split("/")
    return "/".join([*(folder for folder in folders if folder.lower() not in KINDS), last])


def _folded_place(name: str) -> str:
    return unicodedata.normalize("NFC", _place(name)).casefold()
