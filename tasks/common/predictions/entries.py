"""What is found, an entry a line, on disk as soon as it is there."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from backbone.files import replacing

Entry = Mapping[str, Any]


class EntryFile:
    """A file of JSON lines, to which entries are added one by one and that is read from the disk.

    What a process has added is there when it is killed, and memory does not grow by it.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0
        self._file: BinaryIO | None = None

    def open(self, *, kept: bool = False) -> None:
        """Begins to write.

        Args:
            kept: Whether entries that are there stay, but for a last line that was not finished.
        """
        if kept and self.path.exists():
            _cut_to_whole_lines(self.path)
            self._number = sum(1 for _ in self)
        self._file = self.path.open("ab" if kept else "wb")

    def add(self, entry: Entry) -> None:
        """Writes an entry, which from then on does not need this process."""
        assert self._file is not None
        self._file.write(_line(entry).encode())
        self._file.flush()
        self._number += 1

    def close(self) -> None:
        """To be called when there is nothing more to add."""
        if self._file:
            self._file.close()

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self.path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):  # or it is being written
                    yield json.loads(line)


def write_array(entries: Iterable[Entry], path: Path) -> None:
    """Writes entries as one JSON array, whole or not at all, an entry a line."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        between = "["
        for entry in entries:
            file.write(f"{between}\n{_line(entry).rstrip()}")
            between = ","
        file.write("[]\n" if between == "[" else "\n]\n")


def _line(entry: Entry) -> str:
    return json.dumps(entry, separators=(", ", ": ")) + "\n"


def _cut_to_whole_lines(path: Path) -> None:
    """Takes away the end of a line that a killed process began."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(end - 2**16, 0)
            file.seek(start)
            last = file.read(end - start).rfind(b"\n")
            if last >= 0:
                file.truncate(start + last + 1)
                return
            end = start
        file.truncate(0)
