"""Pairs of faces in one file, as insightface passes LFW, AgeDB-30 and CFP on."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from backbone.files import replacing
from tasks.common.files.folders import make_folder
from tasks.common.files.keyed_rows import contents
from tasks.face_embedding.pair_lists.pair_list import Pairs

FOLDS = 10  # in the order of the pairs, as its makers score them
PICKLE = b"\x80"  # how such a file begins


class PlainUnpickler(pickle.Unpickler):
    """Reads lists, bytes and truth values, and refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        # how newer Pythons write bytes for older ones
        if (module, name) == ("_codecs", "encode"):
            return _as_bytes
        raise pickle.UnpicklingError(f"it holds {module}.{name}, and lists of bytes are needed")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to other files")


def _as_bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds text as {encoding}")
    return text.encode("latin1")


def is_pair_archive(file: Path) -> bool:
    """Whether a file is such an archive, by its first byte."""
    try:
        with file.open("rb") as opened:
            return opened.read(1) == PICKLE
    except OSError:
        return False  # which is told where it is read


def read_pair_archive(file: Path, cache: Path) -> Pairs:
    """Reads the pairs, and unpacks their photos into a folder of the cache.

    Faces are cut out and aligned there already: ``data.alignment=none`` takes them as they are.

    Args:
        file: A pickle of the files of all photos, two a pair, and whether each pair is of one
            person.
        cache: Folder for the photos, by the content of the file.

    Raises:
        InputError: If it holds anything else, or is damaged.
    """
    photos, same = _load(file)
    folder = make_folder("data.cache", cache / f"pairs-{contents(file)}")
    paths = [folder / f"{number:06d}.jpg" for number in range(len(photos))]
    for path, photo in zip(paths, photos, strict=True):
        if not path.is_file():
            with replacing(path) as temporary:
                temporary.write_bytes(photo)
    count = len(same)
    return Pairs(
        file,
        paths,
        [path.name for path in paths],
        np.arange(2 * count).reshape(-1, 2),
        np.array(same, bool),
        np.arange(count) * min(FOLDS, count) // count,
        named=False,
    )


def _load(file: Path) -> tuple[list[bytes], list[bool]]:
    try:
        photos, same = PlainUnpickler(io.BytesIO(file.read_bytes()), encoding="bytes").load()
    except Exception as error:  # of damaged files whatever the bytes made the reader do
        raise InputError(
            f"data.pairs={file} is no file of pairs as insightface's lfw.bin: {error!r:.200}"
        ) from error
    if not (
        isinstance(photos, list)
        and isinstance(same, list)
        and all(isinstance(photo, bytes) for photo in photos)
        and all(isinstance(answer, bool | int) for answer in same)
        and 0 < 2 * len(same) == len(photos)
    ):
        raise InputError(
            f"data.pairs={file}: a list of the bytes of photos is needed, two for each of a list "
            "of true and false"
        )
    return photos, [bool(answer) for answer in same]
