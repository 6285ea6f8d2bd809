"""Which photos are kept for validation where a data set does not say."""

import hashlib
import math
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from backbone.errors import InputError, check_number
from tasks.common.data.photos import PhotosT

MAX_SHARE = 0.9


def place_of(name: str) -> float:
    """A number from 0 to 1 that depends on a name alone, and evenly on all of it."""
    digest = hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def held_out(names: Sequence[str], share: float, *, group: str | None = None) -> NDArray[np.bool_]:
    """Which photos to validate on; those that were chosen stay so when others are added.

    Args:
        names: Of the photos, relative to the folder of the data set, with ``/``.
        share: Of the photos, about, to validate on, as ``data.val_share`` gives it.
        group: What stays together, as ``data.group`` gives it: ``folder``, or a regular expression
            whose match (its first group, if it has one) is what photos of a group have in common,
            such as ``film[0-9]+``; None for nothing. A name without a match is a group of its own.

    Returns:
        For each photo whether it is held out, ``(N,)``. Of two groups or more, at least one is and
        at least one is not.

    Raises:
        InputError: If the share is not between 0 and 0.9, the expression is none, or there are not
            two groups.
    """
    check_number("data.val_share", share, above=0, at_most=MAX_SHARE)
    groups = _groups(names, group)
    ordered = sorted(set(groups), key=lambda name: (place_of(name), name))
    if len(ordered) < 2:
        what = "photos" if group is None else f"groups by data.group={group}"
        raise InputError(
            f"data.val_share={share} needs two {what} at least; there is {len(ordered)}"
        )
    number = sum(place_of(name) < share for name in ordered)
    # chance has its way with few: then it is half as many as wanted at least, and as many again
    wanted = share * len(ordered)
    most = max(1, min(int(wanted * 1.5), len(ordered) - 1))
    number = min(max(number, math.ceil(wanted / 2)), most)
    chosen = set(ordered[:number])
    return np.array([name in chosen for name in groups])


def share_of(photos: PhotosT, split: str, share: float, *, group: str | None) -> PhotosT:
    """The photos of ``train`` or ``val``, of a data set that has all in one.

    Args:
        photos: All of them. Where each is of one class, none of the larger classes is left out.
        split: Whose to give; the notes go with ``train``.
        share: See ``held_out``.
        group: See ``held_out``.
    """
    names = [os.fsdecode(name).replace(os.sep, "/") for name in photos.file_names.tolist()]
    chosen = held_out(names, share, group=group)
    if group is None and photos.targets.ndim == 1:
        chosen = _with_each_class(chosen, names, photos.targets, share=share)
    if split == "train":
        return photos.select(~chosen)
    return replace(photos.select(chosen), notes=())


def _with_each_class(
    chosen: NDArray[np.bool_], names: Sequence[str], classes: np.ndarray, *, share: float
) -> NDArray[np.bool_]:
    """The same, but a photo of each class is left to learn, and one of each larger class held out.

    Where each class has one photo, nothing can be: then they stay as they are.
    """
    better = chosen.copy()
    order = np.argsort(classes, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(classes[order])) + 1):
        ordered = sorted(members.tolist(), key=lambda index: place_of(names[index]))
        if chosen[members].all():
            better[ordered[-1]] = False
        elif not chosen[members].any() and len(members) * share >= 1:
            better[ordered[0]] = True
    return better if better.any() else chosen


def _groups(names: Sequence[str], group: str | None) -> Sequence[str]:
    if group is None:
        return names
    if group == "folder":
        return [str(PurePosixPath(name).parent) for name in names]
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise InputError(f"data.group={group} is no regular expression: {error}") from error
    matches = [pattern.search(name) for name in names]
    return [
        name if match is None else match[min(1, pattern.groups)] or match[0]
        for name, match in zip(names, matches, strict=True)
    ]
