"""From what a user gives the page to photos on disk, for as long as they are looked at."""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import cv2

from backbone.errors import InputError
from tasks.app.shelf import Shelf
from tasks.common.images.finding import FILM_SUFFIXES
from tasks.common.predictions.film_files import Film

MAX_BYTES = 20 * 2**20  # of a file; the server refuses larger ones before they are whole
MAX_PHOTOS = 12  # at once, since a page with more is no longer looked through
NUM_FRAMES = 12  # of a film, evenly
ROOM = 256 * 2**20  # for uploads, of all users together


class Upload(NamedTuple):
    """A file that a user has given.

    Attributes:
        name: That it has on the user's machine.
        content: All of it.
    """

    name: str
    content: bytes


class Photo(NamedTuple):
    """A photo on disk, for the time being.

    Attributes:
        file: The photo.
        said: What its entry says of where it is from: ``file``, and of a film its frame.
        every: Of a film, that each so many frames is looked at; 0 of a photo.
    """

    file: Path
    said: dict[str, Any]
    every: int = 0


class Uploads:
    """Takes uploaded files from the disk as soon as they are asked for, and remembers the last.

    Args:
        folder: That they are in; no other file is read, or removed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._shelf: Shelf[Upload] = Shelf(
            ROOM, "The photo is no longer kept here: put it in again"
        )
        self._lock = Lock()  # two users may have given the same file

    def take(self, path: str) -> Upload:
        """A file by the path it was uploaded to, where it is removed.

        Raises:
            InputError: If it is too large, or was forgotten meanwhile.
        """
        with self._lock:
            file = Path(path).resolve()
            if file.is_relative_to(self.folder) and file.is_file():
                upload = _read(file)
                self._shelf.put(path, upload, len(upload.content))
        return self._shelf.get(path)


def _read(file: Path) -> Upload:
    try:
        if (size := file.stat().st_size) > MAX_BYTES:
            raise InputError(
                f"{file.name} has {size / 2**20:.0f} MB, and {MAX_BYTES / 2**20:.0f} are allowed. "
                "Give a smaller one, or use tools/predict.py"
            )
        return Upload(file.name, file.read_bytes())
    finally:
        remove_upload(file)


def remove_upload(file: Path) -> None:
    """Removes an uploaded file and its folder."""
    file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # where another file of the same content lies in it
        file.parent.rmdir()


@contextlib.contextmanager
def on_disk(uploads: Sequence[Upload]) -> Iterator[list[Photo]]:
    """The photos in uploads, and frames of the films, in a folder that is gone afterwards.

    Raises:
        InputError: If there are none or too many, or a film cannot be read; here and within, with
            the names that the user gave.
    """
    if not uploads:
        raise InputError("There is no photo yet: upload, paste or take one")
    if len(uploads) > MAX_PHOTOS:
        raise InputError(
            f"{len(uploads)} files, and {MAX_PHOTOS} at once are shown here. tools/predict.py "
            "takes whole folders"
        )
    with tempfile.TemporaryDirectory(prefix="photos") as folder:
        try:
            photos: list[Photo] = []
            for number, upload in enumerate(uploads):
                place = Path(folder) / str(number)
                place.mkdir()
                file = place / Path(upload.name).name
                file.write_bytes(upload.content)
                if file.suffix.lower() in FILM_SUFFIXES:
                    photos += _frames(file, upload.name)
                else:
                    photos.append(Photo(file, {"file": upload.name}))
            yield photos
        except InputError as error:
            raise InputError(re.sub(rf"{re.escape(folder)}/\d+/", "", str(error))) from error


def _frames(file: Path, name: str) -> Iterator[Photo]:
    """So many frames of a film, from its beginning to its end."""
    film = Film(str(file))
    every = max(-(-film.length // NUM_FRAMES), 1)
    for frame in film.frames(every=every):
        still = file.with_name(f"{frame.number}.bmp")
        cv2.imwrite(str(still), frame.pixels)
        said = {"file": name, "frame": frame.number, "seconds": frame.seconds}
        yield Photo(still, said, every)
        if frame.number >= every * (NUM_FRAMES - 1):  # where a film does not say how long it is
            film.close()
            return
