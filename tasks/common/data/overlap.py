"""Photos that a network is both trained and validated on."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tasks.common.data.photos import Photos
from tasks.common.data.spread import evenly
from tasks.common.machine.workers import threads

MOST_COMPARED = 2000  # validation photos: of a million photos most are as long as some other
MOST_SHOWN = 5  # copies by name
TAIL_BYTES = 4096  # at the end of a photo, which tell nearly all that are equally long apart


def overlap_lines(trained: Sequence[Path], validated: Sequence[Path], *, what: str) -> list[str]:
    """A line on how many of the validated photos, or copies of them byte by byte, are trained on.

    Args:
        trained: Photos to train on.
        validated: Photos to validate on.
        what: The latter are called.
    """
    copies = copies_of(
        trained.__getitem__, len(trained), validated.__getitem__, range(len(validated))
    )
    places = set(map(os.path.abspath, validated))
    shared = len(
        places.intersection(map(os.path.abspath, trained))
        | {os.path.abspath(validated[index]) for index in copies}
    )
    if not shared:
        return []
    return [f"{shared} of {len(places)} {what} are trained on too, so that figures flatter"]


def copies_lines(trained: Photos, validated: Photos) -> list[str]:
    """A line on how many of the validated photos are copies of training photos, byte by byte.

    Args:
        trained: Photos to train on.
        validated: Photos to validate on; of very many, some from all over.
    """
    chosen = evenly(MOST_COMPARED, among=len(validated))
    found = copies_of(trained.path, len(trained), validated.path, chosen)
    if not found:
        return []
    looked_at = f"{len(found)} of {len(chosen)} validation photos"
    if len(chosen) < len(validated):
        looked_at += f" (looked at, of {len(validated)})"
    pairs = [
        f"{validated.name(copy)} is {trained.name(original)}"
        for copy, original in list(found.items())[:MOST_SHOWN]
    ]
    if len(found) > MOST_SHOWN:
        pairs.append(f"and {len(found) - MOST_SHOWN} more")
    return [
        f"{looked_at} are copies of training photos, so that figures flatter: {'; '.join(pairs)}"
    ]


def copies_of(
    original: Callable[[int], Path],
    number: int,
    photo: Callable[[int], Path],
    chosen: Iterable[int],
) -> dict[int, int]:
    """By the index of each photo that is a copy, byte by byte, that of an original.

    Files are looked into only where two are equally long, and read to their ends only where they
    end alike.

    Args:
        original: The file of each original.
        number: Of originals.
        photo: The file of each photo.
        chosen: Photos to look at.
    """
    left, others = list(chosen), list(range(number))
    first: dict[object, int] = {}
    contents: dict[int, object] = {}
    for content_of in (_length, _tail, _whole):
        with threads() as pool:
            # lengths of a million come faster than threads are told to look for them
            looked_up = map if content_of is _length else pool.map
            theirs = list(looked_up(content_of, map(original, others)))
            ours = list(looked_up(content_of, map(photo, left)))
        contents = dict(zip(left, ours, strict=True))
        shared = set(theirs) & set(ours) - {None}
        left = [index for index in left if contents[index] in shared]
        both = [pair for pair in zip(others, theirs, strict=True) if pair[1] in shared]
        others = [index for index, _ in both]
        first = {content: index for index, content in reversed(both)}
    return {index: first[contents[index]] for index in left}


def _length(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # which is told where the photo is read
        return None


def _tail(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            file.seek(-min(TAIL_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
            return file.read()
    except OSError:
        return None


def _whole(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return None
