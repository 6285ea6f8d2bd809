"""How commands answer what asks them to stop: Ctrl-C and SIGTERM."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
# `timeout` sends a signal to its command and then to all of the group, which is one request.
SECONDS_TOGETHER = 0.1

STDERR = 2
GOES_ON = "The same command goes on with what is left to do"

Handlers = dict[signal.Signals, Any]


class StoppedError(BaseException):
    """The command was asked to stop.

    Args:
        signum: The signal that asked.
        kept: What is done, and how to go on, for the user.
        together: Whether all processes of a distributed run have agreed to stop.
    """

    def __init__(self, signum: int, kept: str = "", *, together: bool = False) -> None:
        super().__init__(signum)
        self.signum = signal.Signals(signum)
        self.kept = kept
        self.together = together

    def __str__(self) -> str:
        return "; ".join(filter(None, [f"Stopped by {NAMES[self.signum]}", self.kept]))


class _Answer:
    """A handler that takes what comes twice at once for one request."""

    def __init__(self, answer: Callable[[int], None]) -> None:
        self.answer = answer
        self.last = (0, 0.0)

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        (before, then), now = self.last, time.monotonic()
        self.last = (signum, now)
        if signum != before or now - then > SECONDS_TOGETHER:
            self.answer(signum)


def answer_signals(answer: Callable[[int], None]) -> Handlers:
    """Has a function called with each signal that asks to stop.

    Returns:
        What answered before, for ``restore_signals``.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}  # Python lets the main thread alone say who answers
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    handler = _Answer(answer)
    for number in STOP_SIGNALS:
        if before[number] != signal.SIG_IGN:  # as a shell has it for what runs in the background
            signal.signal(number, handler)
    return before


def restore_signals(before: Handlers) -> None:
    """Undoes ``answer_signals``."""
    for number, handler in before.items():
        signal.signal(number, handler)


def ignore_signals() -> None:
    """For the end of a command that was stopped, which further requests would only disturb."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(signum: int) -> None:
    raise StoppedError(signum)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raises ``StoppedError`` wherever the command is when it is asked to stop."""
    before = answer_signals(_stop)
    try:
        yield
    finally:
        restore_signals(before)


@contextmanager
def keeping(kept: str) -> Iterator[None]:
    """Adds what is kept to a ``StoppedError`` that does not say so yet."""
    try:
        yield
    except StoppedError as stop:
        stop.kept = stop.kept or kept
        raise


class StopRequest:
    """A request to stop, remembered until it can be granted; a second Ctrl-C does not wait.

    Attributes:
        signum: The signal that asked; None if there was none.

    Args:
        notice: What to say at the first Ctrl-C, where granting it may take a while.
    """

    def __init__(self, notice: str = "") -> None:
        self.signum: int | None = None
        self.notice = notice
        self._before: Handlers = {}

    def listen(self) -> None:
        """Begins to remember requests."""
        self._before = answer_signals(self._ask)

    def end(self) -> None:
        """Lets whoever answered before answer again."""
        restore_signals(self._before)

    def grant(self, signum: int, kept: str = "", *, together: bool = False) -> NoReturn:
        """Stops; see ``StoppedError``."""
        ignore_signals()
        raise StoppedError(signum, kept, together=together)

    def _ask(self, signum: int) -> None:
        if signum == self.signum == signal.SIGINT:
            raise StoppedError(signum)
        self.signum = self.signum or signum
        if self.notice and signum == signal.SIGINT:
            # not sys.stderr, which may be in the middle of a line, and would refuse
            os.write(STDERR, f"{self.notice}\n".encode())
