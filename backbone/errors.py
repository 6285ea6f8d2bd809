"""The one error a user is meant to see, and the checks of settings that raise it."""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class InputError(ValueError):
    """What the user gave is wrong.

    Commands print the message, without a traceback, and exit with code 2. A message says what
    was given (with the file or id), what is allowed and what to do.
    """


def check_number(
    setting: str,
    value: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float = math.inf,
    whole: bool = False,
) -> None:
    """Raises an InputError unless a setting is a finite number within its bounds.

    Args:
        setting: Its name on the command line.
        value: What it was given.
        at_least: Lower bound that is allowed itself.
        above: Lower bound that is not.
        at_most: Upper bound.
        whole: Whether fractions are refused.

    >>> check_number("data.batch_size", 0, at_least=1, whole=True)
    Traceback (most recent call last):
    backbone.errors.InputError: data.batch_size=0: a whole number from 1 is needed
    """
    kinds = int if whole else (int, float)
    if isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value):
        lowest = -math.inf if at_least is None else at_least
        if lowest <= value <= at_most and (above is None or value > above):
            return
    bounds = [
        f" from {at_least:g}" if at_least is not None else "",
        f" above {above:g}" if above is not None else "",
        f" up to {at_most:.10g}" if at_most < math.inf else "",
    ]
    kind = "a whole number" if whole else "a number"
    raise InputError(f"{setting}={value}: {kind}{''.join(bounds)} is needed")


def check_flag(setting: str, value: Any) -> None:
    """Raises an InputError unless a setting is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{setting}={value}: true or false is needed")


@contextmanager
def settings_of(section: str, part: str) -> Iterator[None]:
    """Names the settings of a part as they are on the command line, in what is said of them.

    Args:
        section: Where the part's own messages have its settings, such as ``data``.
        part: Its place in there.

    >>> with settings_of("data", "faces"):
    ...     check_number("data.batch_size", 0, at_least=1, whole=True)
    Traceback (most recent call last):
    backbone.errors.InputError: data.faces.batch_size=0: a whole number from 1 is needed
    """
    try:
        yield
    except InputError as error:
        said = re.sub(rf"\b{section}\.(?=\w)", f"{section}.{part}.", str(error))
        raise InputError(said) from error


def check_choice(name: str, value: str, *, allowed: Sequence[str]) -> None:
    """Raises an InputError unless a setting has one of its allowed values."""
    if value not in allowed:
        raise InputError(f"{name}={value} is unknown; it can be {' or '.join(allowed)}")
