"""Hashes of many photos, kept on disk as they are made."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from backbone.errors import InputError
from tasks.classification.cleaning.hashes import NUM_WORDS, hash_photo, hash_views
from tasks.common.machine.core_count import num_cores
from tasks.common.machine.workers import (
    end_workers,
    process_context,
    signals_held_back,
    start_working,
)

INCREMENT = 2048  # photos between two writes: what an interruption costs, seconds
CHUNK = 32  # photos that a process gets at a time

logger = logging.getLogger(__name__)


class File(NamedTuple):
    """A file as it was found; with another size or time it is another one.

    Attributes:
        name: Relative to the folder of the data set.
        size: In bytes.
        time_ns: When it was last changed.
    """

    name: str
    size: int
    time_ns: int


def hash_files(
    folder: Path, files: Sequence[File], *, cache: Path
) -> tuple[np.ndarray, dict[int, str]]:
    """Hashes photos, but for those whose hashes are in the cache.

    Args:
        folder: That the names are relative to.
        files: The photos.
        cache: A file of JSON lines; new hashes are appended while the work goes on.

    Returns:
        Hashes, uint64 ``(N, NUM_WORDS)``, and what is wrong with each unreadable photo, by its
        index; its hash is zero.
    """
    hashes, problems = np.zeros((len(files), NUM_WORDS), np.uint64), {}
    known = _read_cache(cache)
    todo = [index for index, file in enumerate(files) if file not in known]
    for index in set(range(len(files))) - set(todo):
        hashes[index] = known[files[index]]
    if known:
        logger.info("%d of %d photos were hashed before", len(files) - len(todo), len(files))
    paths = [folder / files[index].name for index in todo]
    with cache.open("a", encoding="utf-8") as lines:
        for index, found in zip(todo, _parallel(hash_photo, paths, title="Hashing"), strict=True):
            if isinstance(found, str):
                problems[index] = found
            else:
                hashes[index] = found
                lines.write(json.dumps([*files[index], found.tobytes().hex()]) + "\n")
    return hashes, problems


def hash_references(paths: Sequence[Path]) -> np.ndarray:
    """Hashes of all views of each photo, uint64 ``(N, V, NUM_WORDS)``.

    Raises:
        InputError: If one cannot be read: its copies could not be told.
    """
    views = list(_parallel(hash_views, paths, title="Hashing test photos"))
    for found in views:
        if isinstance(found, str):
            raise InputError(f"{found}. Copies of an unreadable test photo cannot be found")
    return np.stack(views)


def _read_cache(cache: Path) -> dict[File, np.ndarray]:
    """What is in the cache; a line that an interruption cut short counts for nothing."""
    known: dict[File, np.ndarray] = {}
    text = cache.read_text(encoding="utf-8") if cache.exists() else ""
    for line in text.splitlines():
        try:
            name, size, time_ns, digits = json.loads(line)
            found = np.frombuffer(bytes.fromhex(digits), np.uint64).reshape(NUM_WORDS)
            known[File(name, size, time_ns)] = found
        except (ValueError, TypeError):
            continue
    if text and not text.endswith("\n"):
        with cache.open("a", encoding="utf-8") as lines:
            lines.write("\n")
    return known


def _parallel(
    function: Callable[[Path], np.ndarray], paths: Sequence[Path], *, title: str
) -> Iterator[np.ndarray | str]:
    """A function of each path, in a process for each core; the message where it is refused."""
    bar = Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    attempt = partial(_attempt, function)
    context = process_context()
    with bar, ProcessPoolExecutor(num_cores(), context, initializer=start_working) as pool:
        row = bar.add_task(title, total=len(paths))
        try:
            for start in range(0, len(paths), INCREMENT):
                part = paths[start : start + INCREMENT]
                with signals_held_back():
                    results = pool.map(attempt, part, chunksize=CHUNK)
                for found in results:
                    bar.advance(row)
                    yield found
        except BaseException:
            end_workers()  # the pool would wait until they have done all that they were given
            raise


def _attempt(function: Callable[[Path], np.ndarray], path: Path) -> np.ndarray | str:
    try:
        return function(path)
    except InputError as error:
        return str(error)
