"""Processes and threads that work for a command, and end with it."""

import atexit
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext
from typing import Any

from tasks.common.machine.core_count import num_cores
from tasks.common.machine.stopping import STOP_SIGNALS

SECONDS_TO_FINISH = 1  # what is under way when a command ends, such as a batch; nobody needs it

_loading: "weakref.WeakSet[Any]" = weakref.WeakSet()  # iterators whose processes may be at work


def end_with_command(iterator: Any) -> None:
    """Tells ``end_workers`` of a loader's iterator that has processes."""
    _loading.add(iterator)


def process_context() -> BaseContext:
    """How processes are started: as ``multiprocessing.set_start_method`` was told, if it was.

    Else they are forked on Linux, where what is imported need not be imported again by each;
    macOS and Windows have ways of their own, which pickle all that a process is given.
    """
    ours = "fork" if sys.platform == "linux" else None
    return multiprocessing.get_context(multiprocessing.get_start_method(allow_none=True) or ours)


def start_working(_: int = 0) -> None:
    """To be called first in each process that works for a command.

    Terminals send Ctrl-C, queues and ``timeout`` send SIGTERM to all processes of a command. The
    main one answers, and needs what the others have under way; these end when it says so, or when
    it is gone.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_command, daemon=True).start()
    import cv2  # which whoever calls this has imported, or will

    cv2.setNumThreads(0)  # one process a core is enough


def _end_with_command() -> None:
    command = multiprocessing.parent_process()
    assert command is not None
    command.join()
    os._exit(1)


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """For starting processes: these begin deaf to the signals that they are to leave alone.

    This one gets them afterwards.
    """
    if sys.platform == "win32":
        yield
        return
    if process_context().get_start_method() != "fork":
        resource_tracker.ensure_running()  # which undoes this when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """A thread for each core; after an error these finish what is under way and no more."""
    pool = ThreadPoolExecutor(num_cores())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def end_workers() -> None:
    """Ends the processes that work for this one, whatever they are at."""
    deadline = threading.Timer(SECONDS_TO_FINISH, _kill)
    deadline.start()
    for iterator in list(_loading):
        # PyTorch's own way, since its thread that fills pinned memory must end before they do;
        # it complains about those that the deadline meets
        with contextlib.suppress(RuntimeError):
            iterator._shutdown_workers()
    deadline.cancel()
    _kill()
    for process in multiprocessing.active_children():
        process.join()


def _kill() -> None:
    # not terminate: they leave SIGTERM alone
    for process in multiprocessing.active_children():
        process.kill()


@atexit.register  # before multiprocessing's own, which would wait for them for ever
def _kill_at_exit() -> None:
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # or PyTorch complains
    _kill()
