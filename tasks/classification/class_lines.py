"""Classes that are not what they should be, told by name before training."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from tasks.common.data.photos import Photos
from tasks.common.report import counted


def class_lines(train: Photos, val: Photos) -> list[str]:
    """What is odd about the classes of two splits: how many, then a colon and which.

    Args:
        train: Photos to learn from.
        val: Photos to test on, of the same classes.
    """
    names = train.label_map.names
    learned, tested = (np.isin(range(len(names)), photos.targets) for photos in (train, val))
    kinds = {
        "with validation photos and no training photos, so not learned": tested & ~learned,
        "without any photos": ~tested & ~learned,
        "with training photos and no validation photos": learned & ~tested,
    }
    if len(names) == 1:
        return [f"1 class only, so that there is nothing to tell apart: {names[0]}"]
    lines = [_line([names[i] for i in np.flatnonzero(some)], what) for what, some in kinds.items()]
    there = np.flatnonzero(learned | tested)
    return [*filter(None, lines), *_alike([names[i] for i in there])]


def _line(names: Sequence[str], what: str) -> str:
    if not names:
        return ""
    return f"{counted(len(names), 'class', 'classes')} {what}: {', '.join(names)}"


def _alike(names: Sequence[str]) -> list[str]:
    """Classes that are one to the eye: they differ in case, or in how letters are encoded."""
    spelled: dict[str, list[str]] = defaultdict(list)
    for name in names:
        spelled[unicodedata.normalize("NFKC", name).casefold()].append(name)
    same = [name for group in spelled.values() if len(group) > 1 for name in group]
    return [_line(same, "that differ in case or in encoding alone")] if same else []
