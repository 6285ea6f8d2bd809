"""Finds the files that a table or a labelling tool names, though it names them otherwise."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tasks.common.report import counted

# What an upload puts before a name: eight digits of an identifier, as Label Studio does.
UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)", re.IGNORECASE)

SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$")  # of a file; what follows a dot else is a number


class NamedFiles:
    """The files below a folder, by the names that others give them.

    A name that is right costs a look at the disk; the folder is searched once, at the first that is
    not. Nothing that is found lies outside the folder.

    Args:
        folder: That names are relative to.
        files: All files in it, sorted; called at most once.
    """

    def __init__(self, folder: Path, files: Callable[[Path], Iterable[Path]]) -> None:
        self.folder = folder
        self._list = files
        self._found: Counter[str] = Counter()
        self._example: dict[str, str] = {}

    def find(self, name: str) -> str | None:
        """Where the file is, relative to the folder; None if there is none, or several would do.

        Tried in this order, the first that leads to exactly one file: the name; with backslashes
        for slashes; in another Unicode form; in other capitals; by the last part alone; by that
        without what an upload put before it; by that without its suffix. Of an address,
        what follows the host, or what it asks for.
        """
        if self._is_inside(name) and (self.folder / name).is_file():
            return name
        path = _path_in(name)
        for how, key in _KEYS.items():
            places = self._by_key[how].get(key(path), [])
            if len(places) == 1:
                self._found[how] += 1
                self._example.setdefault(how, f"{name} is {places[0]}")
                return places[0]
        return None

    @property
    def notes(self) -> list[str]:
        """How many were found in each way but by their name, with an example."""
        return [
            f"{counted(self._found[how], 'file', 'files')} found {how}: {self._example[how]}"
            for how in _KEYS
            if self._found[how]
        ]

    @cached_property
    def _by_key(self) -> dict[str, dict[Any, list[str]]]:
        names = [path.relative_to(self.folder).as_posix() for path in self._list(self.folder)]
        tables: dict[str, dict[Any, list[str]]] = {how: defaultdict(list) for how in _KEYS}
        for how, key in _KEYS.items():
            for name in names:
                tables[how][key(name)].append(name)
        return tables

    @staticmethod
    def _is_inside(name: str) -> bool:
        path = PureWindowsPath(name)
        return bool(name) and "\0" not in name and not path.anchor and ".." not in path.parts


def _path_in(name: str) -> str:
    """A name with ``/`` throughout; of an address its path, or the ``d=`` that it asks for."""
    address = urlsplit(name) if "?" in name or "://" in name else None
    if address:
        asked = parse_qs(address.query).get("d")
        name = unquote(asked[0] if asked else address.path)
    return os.path.normpath(name.replace("\\", "/")).lstrip("/")


def _same_form(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _same_case(name: str) -> str:
    return _same_form(name).casefold()


def _last_part(name: str) -> str:
    return _same_case(PurePosixPath(name).name)


def _without_prefix(name: str) -> str:
    return UPLOAD_PREFIX.sub("", _last_part(name))


def _without_suffix(name: str) -> str:
    return SUFFIX.sub("", _last_part(name))


# By what is said of it: what two names have in common.
_KEYS: dict[str, Callable[[str], str]] = {
    "with other separators": str,
    "in another Unicode form": _same_form,
    "in other capitals": _same_case,
    "by the last part of their names": _last_part,
    "without what an upload put before their names": _without_prefix,
    "but for the suffix": _without_suffix,
}
