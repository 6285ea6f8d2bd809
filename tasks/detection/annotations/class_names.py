"""Names of classes: cleaned, and told apart from others that differ in capitals or blanks only."""

import re
from collections import defaultdict
from collections.abc import Iterable

from backbone.errors import InputError


def clean_name(name: str, *, source: object) -> str:
    """A class name without blanks around it.

    Raises:
        InputError: If nothing is left.
    """
    cleaned = name.strip()
    if not cleaned:
        raise InputError(f"{source} has an empty class name ({name!r}): give the class a name")
    return cleaned


def near_names(names: Iterable[str]) -> list[str]:
    """A note on each group of classes that differ in capitals, blanks, ``_`` or ``-`` only."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_folded(name)].append(name)
    return [
        f"classes {' and '.join(map(repr, group))} differ in capitals or blanks only: "
        "they are learnt as different ones"
        for group in groups.values()
        if len(group) > 1
    ]


def near_matches(unknown: Iterable[str], known: Iterable[str]) -> list[str]:
    """For each unknown class that is known by a name almost the same: which was probably meant."""
    folded = {_folded(name): name for name in known}
    return [
        f"{name!r} - did you mean {folded[_folded(name)]!r}?"
        for name in unknown
        if _folded(name) in folded
    ]


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()
