"""Rows of numbers by the content of a photo, kept on disk."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from backbone.files import replacing
from tasks.common.files.folders import make_folder
from tasks.common.machine.workers import threads
from tasks.common.settings.differences import differences

DESCRIPTION = "rows.json"
KEYS, VALUES = ".keys.npy", ".values.npy"


def photo_keys(paths: Sequence[Path]) -> np.ndarray:
    """A number for the bytes of each file, uint64 ``(N,)``: the same wherever the file lies.

    Raises:
        InputError: If a file cannot be read.
    """
    keys, bad = readable_keys(paths)
    if bad:
        raise InputError("\n".join(bad.values()))
    return keys


def contents(path: Path) -> str:
    """The number of a file's bytes as text, for descriptions.

    Raises:
        InputError: If it cannot be read.
    """
    return f"{photo_keys([path])[0]:016x}"


def readable_keys(paths: Sequence[Path]) -> tuple[np.ndarray, dict[int, str]]:
    """As ``photo_keys``, and what is wrong with each file that cannot be read, by its index."""
    with threads() as pool:
        found = list(pool.map(_photo_key, paths))
    bad = {index: key for index, key in enumerate(found) if isinstance(key, str)}
    keys = [0 if isinstance(key, str) else key for key in found]
    return np.array(keys, np.uint64), bad


def _photo_key(path: Path) -> int | str:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).digest()
    except OSError as error:
        return f"{path} cannot be read: {error}"
    return int.from_bytes(digest, "little")


class KeyedRows:
    """Rows of numbers in shards that are only ever added to.

    A shard is two files of numpy's, keys and values, and counts once both are there; several
    processes may add shards at once. Values stay on disk until they are asked for.

    Args:
        folder: Where they are.
        setting: That names the folder, for messages.
    """

    def __init__(self, folder: Path, *, setting: str) -> None:
        self.folder = folder
        self.setting = setting
        self._shards: list[np.ndarray] = []
        names = sorted(path.name.removesuffix(KEYS) for path in folder.glob(f"*{KEYS}"))
        keys = [self._load(name) for name in names]
        self.keys = np.concatenate([np.zeros(0, np.uint64), *keys])
        self._order = np.argsort(self.keys, kind="stable")

    def _load(self, name: str) -> np.ndarray:
        try:
            keys: np.ndarray = np.load(self.folder / f"{name}{KEYS}")
            values = np.load(self.folder / f"{name}{VALUES}", mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{self.setting}={self.folder}: the shard {name} is damaged: {error}. Remove its "
                "two files; what they held is made anew"
            ) from error
        self._shards.append(values)
        return keys

    def description(self) -> dict[str, Any]:
        """What the rows are.

        Raises:
            InputError: If the folder holds none.
        """
        try:
            found: dict[str, Any] = json.loads(
                (self.folder / DESCRIPTION).read_text(encoding="utf-8")
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.setting}={self.folder}: no {DESCRIPTION} to read there: {error}"
            ) from error
        return found

    def describe(self, description: Mapping[str, Any]) -> None:
        """Says what the rows are, or refuses the folder if it holds others.

        Raises:
            InputError: Naming what differs.
        """
        make_folder(self.setting, self.folder)
        if not (self.folder / DESCRIPTION).exists():
            with replacing(self.folder / DESCRIPTION) as temporary:
                temporary.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        if changed := list(map(str, differences(dict(description), self.description()))):
            raise InputError(
                f"{self.setting}={self.folder} was made otherwise: "
                f"{'; '.join(changed).replace('in the checkpoint', 'there')}. Remove it, or name "
                "another folder"
            )

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The place of each key's row, ``(N,)``; -1 where there is none."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        near = np.searchsorted(self.keys, keys, sorter=self._order).clip(max=len(self.keys) - 1)
        places = self._order[near]
        return np.where(self.keys[places] == keys, places, -1)

    def values(self, places: np.ndarray) -> np.ndarray:
        """The rows at these places, ``(N, ...)``."""
        ends = np.cumsum([len(shard) for shard in self._shards])
        shards = np.searchsorted(ends, places, side="right")
        rows = np.empty((len(places), *self._shards[0].shape[1:]), self._shards[0].dtype)
        for number in np.unique(shards):
            here = shards == number
            start = ends[number] - len(self._shards[number])
            rows[here] = self._shards[number][places[here] - start]
        return rows

    def add(self, keys: np.ndarray, values: np.ndarray) -> None:
        """Writes a shard; it is found from the next time the folder is opened."""
        name = uuid.uuid4().hex
        for suffix, array in ((VALUES, values), (KEYS, keys)):
            with (
                replacing(self.folder / f"{name}{suffix}") as temporary,
                temporary.open("wb") as file,
            ):
                np.save(file, array)
