"""Small copies of photos on disk: a large one is decoded once, and not in every epoch and run."""

import hashlib
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2

from backbone.errors import InputError, check_number
from backbone.files import replacing
from tasks.common.images.decoding import DecodedImage, read_image
from tasks.common.images.packed import SmallCopy
from tasks.common.machine.workers import process_context

# 41 dB from the pixels, in a sixth of their bytes. Uncompressed, they would be read in a third of
# the time, but ImageNet's would take 300 GB.
JPEG_QUALITY = 95
MAX_JPEG_SIDE = 65_500  # of what OpenCV writes
# A JPEG begins with its start marker; a comment may come next. Ours holds the bytes and the time of
# last change of the photo, a checksum of what follows, and the photo's width and height.
STAMP = struct.Struct("<QqI")
SIZE = struct.Struct("<II")
JPEG_START = b"\xff\xd8"
COMMENT = JPEG_START + b"\xff\xfe" + struct.pack(">H", 2 + STAMP.size + SIZE.size)
NUM_HEAD_BYTES = len(COMMENT) + STAMP.size

MADE, MADE_ANEW, FOUND, SMALL_ENOUGH = range(4)


class SmallCopies:
    """Keeps JPEG copies of photos, reduced to a short side of so many pixels.

    A copy is found by its photo's path and short side, and used if its stamp agrees with the photo
    and with its own content. One that is out of date, cut short or damaged is made anew. Copies are
    renamed into place, so that any number of processes and runs may share a folder. A photo that is
    as small already is read itself; its copy is a stamp with nothing behind it.

    Args:
        folder: Where they are kept, in a subfolder for each short side.
        side: The short side in pixels.
    """

    def __init__(self, folder: Path, *, side: int) -> None:
        check_number("data.cache_side", side, at_least=1, whole=True)
        self.folder = folder / str(side)
        self.side = side
        self._counts: Any = process_context().Array("q", 4)  # of all loading processes

    def file_for(self, photo: Path) -> Path | SmallCopy:
        """What to read instead of a photo, made if there is none: its copy, or the photo.

        Raises:
            InputError: If the photo cannot be read, or its copy not be written.
        """
        try:
            status = photo.stat()
        except OSError:
            return photo  # reading it will say what is wrong
        copy = self._place(photo)
        head, body = _read(copy)
        outcome = FOUND
        if head != _head(status, body):
            outcome = MADE_ANEW if head else MADE
            body = _body(photo, side=self.side)
            self._write(copy, _head(status, body) + body)
        with self._counts.get_lock():
            self._counts[outcome if body else SMALL_ENOUGH] += 1
        if not body:
            return photo
        return SmallCopy(copy, SIZE.unpack_from(body), JPEG_START + body[SIZE.size :])

    def report_line(self) -> str:
        """Where the copies are, and how often so far one was made, found or not needed.

        One made anew was out of date or damaged; of a photo as small as its copy none is needed.
        """
        # without the lock, which a process that was killed may hold
        made, anew, found, small = self._counts.get_obj()[:]
        return (
            f"cache {self.folder}: {made} copies made, {anew} made anew, {found} found, "
            f"{small} not needed"
        )

    def _place(self, photo: Path) -> Path:
        key = hashlib.sha256(os.fsencode(os.path.abspath(photo))).hexdigest()[:40]
        return self.folder / key[:2] / f"{key[2:]}.jpg"

    def _write(self, copy: Path, data: bytes) -> None:
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replacing(copy, synced=False) as temporary:
                temporary.write_bytes(data)
        except OSError as error:
            raise InputError(
                f"data.cache={self.folder.parent}: a copy could not be written: {error}. Make room "
                "or choose another folder; the copies that are there will be used"
            ) from error


def reduced_jpeg(photo: DecodedImage, *, side: int) -> bytes:
    """A photo as a JPEG with this short side in pixels; nothing if it is as small already."""
    pixels, size = photo
    if min(size) <= side or max(size) > MAX_JPEG_SIDE:
        return b""
    scale = side / min(size)
    width, height = (max(round(length * scale), side) for length in size)
    reduced = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    done, encoded = cv2.imencode(".jpg", reduced[..., ::-1], settings)
    assert done
    return encoded.tobytes()


def _body(photo: Path, *, side: int) -> bytes:
    """What is behind the head of a photo's copy; nothing if the photo is as small already.

    Raises:
        InputError: If it cannot be read.
    """
    whole = read_image(photo, min_side=side)
    jpeg = reduced_jpeg(whole, side=side)
    return jpeg and SIZE.pack(*whole.size) + jpeg[len(JPEG_START) :]


def _read(copy: Path) -> tuple[bytes, bytes]:
    """The head of a copy and what is behind it; nothing if there is no copy."""
    try:
        data = copy.read_bytes()
    except OSError:
        data = b""
    return data[:NUM_HEAD_BYTES], data[NUM_HEAD_BYTES:]


def _head(status: os.stat_result, body: bytes) -> bytes:
    """What a copy must begin with, by its photo and by what is behind it."""
    return COMMENT + STAMP.pack(status.st_size, status.st_mtime_ns, zlib.crc32(body))
