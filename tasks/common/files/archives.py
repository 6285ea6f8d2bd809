"""Unpacking archives from strangers: all of one or none of it, and nothing outside the folder."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from backbone.errors import InputError
from tasks.common.files.download import CHUNK_BYTES, progress

# Deflate reaches 1032:1 on zeros; annotation files reach about 20:1, photographs 1:1.
MAX_RATIO = 100
RATIO_APPLIES_FROM_BYTES = 1 << 20
MAX_MEMBERS = 2_000_000

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
)


def extract(archive: Path, folder: Path, *, max_bytes: int) -> None:
    """Unpacks a zip or tar file into a folder, beside what is there already.

    The contents go to a hidden folder first and move into place when all of them are unpacked;
    then a marker is left, so that a second call returns at once. An interrupted call leaves no
    marker, and the next one starts over.

    Args:
        archive: A ``.zip`` or ``.tar`` file, the latter compressed or not.
        folder: Where the contents go; files of the same name are replaced.
        max_bytes: The most that the contents may take unpacked.

    Raises:
        InputError: If the archive is damaged; if a member is a link, a device, encrypted, or named
            so that it would land outside the folder; or if it unpacks to too much. Nothing of it
            is kept then.
    """
    if is_extracted(archive, folder, size=archive.stat().st_size):
        return
    staging = folder / f".{archive.name}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(parents=True)
        _unpack(archive, staging, max_bytes)
        _merge(staging, folder)
    except _BROKEN as error:
        raise InputError(
            f"{archive} is damaged ({error}). Delete it and fetch it again."
        ) from error
    except OSError as error:
        raise InputError(f"Could not unpack {archive} into {folder}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _marker(archive, folder).write_text(str(archive.stat().st_size), encoding="utf-8")


def is_extracted(archive: Path, folder: Path, *, size: int) -> bool:
    """Whether an archive of this name and size was unpacked here; it may be gone since."""
    marker = _marker(archive, folder)
    return marker.is_file() and marker.read_text(encoding="utf-8") == str(size)


def _marker(archive: Path, folder: Path) -> Path:
    return folder / f".{archive.name}.extracted"


@dataclass(frozen=True)
class _Member:
    """One entry of an archive; ``packed`` bytes are known for zip files only."""

    name: str
    size: int
    packed: int | None
    is_folder: bool
    problem: str | None
    open: Callable[[], IO[bytes] | None]


def _unpack(archive: Path, staging: Path, max_bytes: int) -> None:
    total = 0
    with _opened(archive) as opened, progress(f"Unpacking {archive.name}", max_bytes) as bar:
        for count, member in enumerate(_members(opened), start=1):
            total += member.size
            problem = (
                member.problem or _problem_with_name(member.name) or _problem_with_size(member)
            )
            if problem:
                raise InputError(f"Refused {archive}: {member.name!r} {problem}")
            if total > max_bytes or count > MAX_MEMBERS:
                raise InputError(
                    f"Refused {archive}: it holds over {max_bytes:,} bytes or {MAX_MEMBERS:,} files"
                )
            target = staging / member.name
            if member.is_folder:
                target.mkdir(parents=True, exist_ok=True)
            else:
                _write(member, target)
            bar.advance(bar.task_ids[0], member.size)
        bar.update(bar.task_ids[0], total=total)


def _write(member: _Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = member.open()
    assert source is not None  # only links and devices have no content
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK_BYTES)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield opened
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            yield opened
    else:
        raise InputError(
            f"{archive} is neither a zip nor a tar file. Delete it and fetch it again."
        )


def _members(opened: zipfile.ZipFile | tarfile.TarFile) -> Iterator[_Member]:
    return _zip_members(opened) if isinstance(opened, zipfile.ZipFile) else _tar_members(opened)


def _zip_members(opened: zipfile.ZipFile) -> Iterator[_Member]:
    for info in opened.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        problem = "is encrypted" if info.flag_bits & 1 else None
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            problem = "is a link or a device"
        content = partial(opened.open, info)
        yield _Member(
            info.filename, info.file_size, info.compress_size, info.is_dir(), problem, content
        )


def _tar_members(opened: tarfile.TarFile) -> Iterator[_Member]:
    for entry in opened:
        plain = entry.isdir() or (entry.isreg() and not entry.issparse() and entry.size >= 0)
        problem = None if plain else "is a link, a device or a sparse file"
        content = partial(opened.extractfile, entry)
        yield _Member(entry.name, entry.size, None, entry.isdir(), problem, content)


def _problem_with_name(name: str) -> str | None:
    path = PurePosixPath(name)
    if "\0" in name:
        return "is no file name"
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":" or "\\" in name:
        return "would land outside the folder"
    return None


def _problem_with_size(member: _Member) -> str | None:
    if member.packed is None or member.size < RATIO_APPLIES_FROM_BYTES:
        return None
    if member.size > MAX_RATIO * member.packed:
        return f"unpacks to {member.size:,} bytes from {member.packed:,}"
    return None


def _merge(source: Path, target: Path) -> None:
    """Moves the contents of one folder into another, whole folders at once where it can."""
    for entry in source.iterdir():
        destination = target / entry.name
        if entry.is_dir() and destination.is_dir():
            _merge(entry, destination)
        else:
            entry.replace(destination)
