"""The processes of a distributed run: where one fails, all end, with its exit code."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

SECONDS_BETWEEN_LOOKS = 0.2
# An ending process closes its connections first, at which the others fail, and may then take a
# while to end.
SECONDS_TO_END = 30

_started: list[subprocess.Popen[Any]] = []  # by this process, which is the first one


def watch_processes() -> None:
    """Makes the first process end as those do that Lightning starts for it.

    Lightning's own watch would kill it, and its exit code would be -9 whatever had happened.
    """
    # here, so that commands which start no processes start without Lightning
    from lightning.pytorch.strategies.launchers import subprocess_script

    subprocess_script._launch_process_observer = _watch


def end_other_processes() -> None:
    """Ends those that this one has started, which would wait for it or fail without it."""
    ending = list(_started)
    _started.clear()  # so that their ends are no news to the watch
    for process in ending:
        process.kill()
        process.wait()


def end_for_the_first_one(code: int) -> None:
    """Ends this process at once with an exit code, if the first one has started it.

    Tidying up may wait for a connection to the first one for longer than that one waits for us.
    """
    if int(os.environ.get("LOCAL_RANK", 0)) > 0:
        sys.stderr.flush()
        os._exit(code)


def wait_for_the_one_that_failed() -> None:
    """To be called before an error is shown that may be an echo of another process's.

    If it is, this process is ended meanwhile, and what the other one said stands alone.
    """
    if "LOCAL_RANK" in os.environ:  # the number of processes is gone: Lightning has tidied it away
        time.sleep(SECONDS_TO_END)


def _watch(child_processes: list[subprocess.Popen[Any]]) -> None:
    _started[:] = child_processes
    threading.Thread(target=_end_with, args=(child_processes,), daemon=True).start()


def _end_with(processes: Sequence[subprocess.Popen[Any]]) -> None:
    codes: list[int | None] = [None]
    while None in codes and not any(codes):
        time.sleep(SECONDS_BETWEEN_LOOKS)
        codes = [process.poll() for process in processes]
    failed = [code for code in codes if code]
    if failed and _started:
        end_other_processes()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        # the main thread may be waiting for a process that is gone; a signal's number is negative
        os._exit(max(failed[0], 1))
