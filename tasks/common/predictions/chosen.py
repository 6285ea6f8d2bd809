"""Which of the things found are of interest."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backbone.errors import InputError, check_number

NAMES_SHOWN = 20


class Chosen(NamedTuple):
    """What is written and drawn of what is found.

    Attributes:
        min_score: What scores lower is left out; None for all.
        classes: Names of the only classes to keep; None for all.
    """

    min_score: float | None = None
    classes: frozenset[str] | None = None

    @classmethod
    def of(cls, min_score: object, classes: object, *, names: Sequence[str]) -> "Chosen":
        """The settings ``min_score`` and ``classes``, checked.

        Args:
            min_score: A number or None.
            classes: A name, several, or None.
            names: Of the network's classes.

        Raises:
            InputError: If a class is none of these, which names the nearest.
        """
        if min_score is not None:
            check_number("min_score", min_score, at_least=0, at_most=1)
        least = None if min_score is None else float(str(min_score))
        if classes is None:
            return cls(least)
        given = [classes] if isinstance(classes, str | int | float) else list(classes)  # type: ignore[call-overload]
        for name in map(str, given):
            if name not in names:
                raise InputError(_no_such_class(name, names))
        if not given:
            raise InputError("classes=[]: nothing would be left. Leave it out for all classes")
        return cls(least, frozenset(map(str, given)))

    def __call__(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """An entry with what is of interest in its lists."""
        return {
            key: [row for row in value if self._is_kept(row)] if isinstance(value, list) else value
            for key, value in entry.items()
        }

    def _is_kept(self, row: Any) -> bool:
        if not isinstance(row, Mapping):
            return True
        if self.min_score is not None and row.get("score", 1.0) < self.min_score:
            return False
        return self.classes is None or "name" not in row or row["name"] in self.classes


def _no_such_class(name: str, names: Sequence[str]) -> str:
    if not names:
        return f"classes={name}: this network tells no classes apart. Leave it out"
    near = difflib.get_close_matches(name.lower(), [each.lower() for each in names], n=1)
    meant = next((each for each in names if near and each.lower() == near[0]), None)
    said = f" Did you mean {meant}?" if meant else ""
    more = ", ..." * (len(names) > NAMES_SHOWN)
    return (
        f"classes={name}: the network knows no such class.{said} "
        f"Its classes: {', '.join(names[:NAMES_SHOWN])}{more}"
    )
