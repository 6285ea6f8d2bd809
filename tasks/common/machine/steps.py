"""How far one long task is: a bar for a terminal, lines for a log file."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

LINE_SECONDS = 30  # between two lines

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Pace:
    """Says now and then how far one long task is, for log files.

    Args:
        total: Of what is counted; 0 where nobody knows.
        what: Is counted, such as ``photos read``.
    """

    def __init__(self, total: int, what: str) -> None:
        self.total = total
        self.what = what
        self._started = self._spoke = time.monotonic()

    def say(self, done: int) -> None:
        """Says a line, if the last one is a while ago; ``done`` is the number so far."""
        now = time.monotonic()
        if now - self._spoke <= LINE_SECONDS:
            return
        self._spoke = now
        self.say_now(done)

    def say_now(self, done: int) -> None:
        """Says a line."""
        of = f" of {self.total}" if self.total else ""
        speed = done / max(time.monotonic() - self._started, 1e-9)
        left = (self.total - done) / max(speed, 1e-9)
        rest = f", {max(round(left / 60), 1)} min left" if left > 0 else ""
        logger.info("%d%s %s, %.3g a second%s", done, of, self.what, speed, rest)


def steps_of(
    steps: Sequence[T], what: str, *, size: Callable[[T], int] = lambda _: 1
) -> Iterator[T]:
    """Goes through steps and shows how far it is: a bar for a terminal, lines for a log file.

    Args:
        steps: In their order.
        what: Is counted, such as ``photos read``.
        size: How many of them a step is.
    """
    yield from counted_steps(steps, what, total=sum(map(size, steps)), size=size)


def counted_steps(
    steps: Iterable[T],
    what: str,
    *,
    total: int,
    size: Callable[[T], int],
    says_end: bool = True,
) -> Iterator[T]:
    """As ``steps_of``, where the steps are not there from the beginning.

    Args:
        steps: In their order.
        what: Is counted.
        total: How many of them there are, about; 0 where nobody knows.
        size: How many of them a step is.
        says_end: Whether the last line is said, too.
    """
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = sys.stdout.isatty()
    with Progress(*columns, disable=not shown, transient=True) as bar:
        task = bar.add_task(what, total=total or None)
        done, pace = 0, Pace(total, what)
        for step in steps:
            yield step
            done += size(step)
            bar.update(task, completed=done)
            if not shown and done == total:
                if says_end:
                    pace.say_now(done)
            elif not shown:
                pace.say(done)
