"""Fetching published files: resumed, verified, and explained when it cannot be done."""

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from backbone.errors import InputError

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30


def fetch(url: str, path: Path, *, size: int, checksum: str) -> Path:
    """Downloads a published file, unless it is there already.

    A download that was cut off continues where it stopped, within this call and in later ones:
    what has arrived is kept beside ``path`` as ``NAME.part`` until all of it is verified. A file
    that was placed at ``path`` by hand is verified in the same way, and never changed.

    Args:
        url: An ``http`` or ``https`` address.
        path: Where the file goes.
        size: Its published size in bytes.
        checksum: Its published checksum, as ``md5:...`` or ``sha256:...``.

    Raises:
        InputError: If the file cannot be had or is not the published one. The message says which
            file to download by hand and where to place it.
    """
    if path.exists():
        if problem := mismatch(path, size=size, checksum=checksum):
            raise InputError(
                f"{path} is not the published file: {problem}. Delete it to download it from "
                f"{url}, or replace it."
            )
        return path
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_space(part, size)
        _download(url, part, size)
    except (OSError, http.client.HTTPException) as error:
        arrived = f" {_length(part):,} of {size:,} bytes have arrived." if _length(part) else ""
        raise InputError(
            f"Could not download {url}: {error}.{arrived} Run the command again to continue, or "
            f"download the file by hand and place it at {path}"
        ) from error
    if problem := mismatch(part, size=size, checksum=checksum):
        part.unlink()
        raise InputError(
            f"What {url} sent is not the published file: {problem}. It was deleted. Try again "
            f"later, or place the right file at {path}"
        )
    part.replace(path)
    return path


def mismatch(path: Path, *, size: int, checksum: str) -> str | None:
    """How a file differs from its published size and checksum; ``None`` when it does not."""
    if _length(path) != size:
        return f"it has {_length(path):,} bytes instead of {size:,}"
    algorithm, expected = checksum.split(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file, progress(f"Verifying {path.name}", size) as bar:
        for chunk in _chunks(file):
            digest.update(chunk)
            bar.advance(bar.task_ids[0], len(chunk))
    if digest.hexdigest() != expected:
        return f"its {algorithm} is {digest.hexdigest()} instead of {expected}"
    return None


def progress(title: str, total: int, *, done: int = 0) -> Progress:
    """A progress bar in bytes on stderr, with its one row added."""
    bar = Progress(
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    bar.add_task(title, total=total, completed=done)
    return bar


def _download(url: str, part: Path, size: int) -> None:
    """Fills ``part``, connecting anew for as long as each connection gets further than the last."""
    while (arrived := _length(part)) < size:
        problem: Exception = OSError("the server sent less than it promised")
        try:
            _transfer(url, part, size)
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException) as error:
            problem = error
        if _length(part) <= arrived:
            raise problem


def _transfer(url: str, part: Path, size: int) -> None:
    """One connection: appends to ``part``, or starts it over if the server cannot resume."""
    arrived = _length(part)
    headers = {"Range": f"bytes={arrived}-"} if arrived else {}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        start = arrived if resumed else 0
        offered = _offered(response, resumed=resumed, start=start)
        if offered not in (None, size):
            raise OSError(f"the server offers {offered:,} bytes, the published file has {size:,}")
        with part.open("r+b" if resumed else "wb") as file, progress(part.stem, size) as bar:
            file.seek(start)
            bar.advance(bar.task_ids[0], start)
            for chunk in _chunks(response):
                if file.tell() + len(chunk) > size:
                    raise OSError(f"the server sends more than the {size:,} bytes published")
                file.write(chunk)
                bar.advance(bar.task_ids[0], len(chunk))


def _offered(response: http.client.HTTPResponse, *, resumed: bool, start: int) -> int | None:
    """The size of the whole file according to the server, if it says."""
    if not resumed:
        length = response.headers.get("Content-Length")
        return int(length) if length and length.isdigit() else None
    unit_range, _, total = response.headers.get("Content-Range", "").partition("/")
    if not unit_range.startswith(f"bytes {start}-"):
        raise OSError("the server resumed at another place than asked")
    return int(total) if total.isdigit() else None


def _check_space(part: Path, size: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < size - _length(part):
        raise OSError(f"it needs {size - _length(part):,} bytes, the disk has {free:,} free")


def _chunks(stream: BinaryIO | http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
