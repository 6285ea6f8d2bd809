"""Trains the demo for a page without any network, and says how far it is."""

import csv
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock, Thread

from backbone.errors import InputError
from tasks.api import train

LOOK_SECONDS = 1.0  # between two looks at how far it is

_at_work = Lock()


def trained_demo(settings: Sequence[str], run_dir: Path) -> Iterator[str]:
    """Trains as ``tools/train.py`` does with these settings, a line of progress at a time.

    Args:
        settings: On the command line.
        run_dir: For the run; one that is there already is replaced.

    Raises:
        InputError: If one is being trained already, or a setting is wrong.
    """
    if not _at_work.acquire(blocking=False):
        raise InputError("The demo is being trained already: wait for it, and list again")
    failed: list[BaseException] = []

    def work() -> None:
        try:
            train(*settings, run_dir=run_dir, overwrite=True)
        except (Exception, KeyboardInterrupt) as error:
            failed.append(error)
        finally:
            _at_work.release()

    start = time.monotonic()
    worker = Thread(target=work, daemon=True)  # which does not keep a page that is closed alive
    worker.start()
    while worker.is_alive():
        worker.join(LOOK_SECONDS)
        yield f"Training: {_progress(run_dir)}{time.monotonic() - start:.0f} s so far"
    if failed:
        raise failed[0]


def _progress(run_dir: Path) -> str:
    """The last step and loss that the run has written."""
    try:
        with (run_dir / "metrics.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("train/loss")]
        return f"step {rows[-1]['step']}, loss {float(rows[-1]['train/loss']):.3f}, "
    except (OSError, IndexError, KeyError, ValueError):
        return "drawing photos, "
