"""Times contestants side by side and prints who is how much faster."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import torch

MIN_ROUNDS = 3  # a median of fewer is no median
WARMUP_ROUNDS = 2  # kernels are chosen, caches filled
PAUSE_S = 0.02  # longer than threads go on waiting for work


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        what: What was measured.
        ours: Our figure.
        peer: The peer's.
        unit: Of both.
        ratio: How many times as fast as the peer we are.
        goal: The ratio to reach; None where none was set.
        note: What it was measured on.
    """

    what: str
    ours: float
    peer: float
    unit: str
    ratio: float
    goal: float | None
    note: str


def speed_row(
    what: str, *, ours: float, peer: float, unit: str, goal: float | None, note: str, count: int = 0
) -> Row:
    """A row from the seconds a call that each contestant took.

    Args:
        what: What was measured.
        ours: Our seconds.
        peer: The peer's.
        unit: ``ms``, ``s``, or what ``count`` counts, per second.
        goal: The ratio to reach.
        note: What it was measured on.
        count: Things done in a call, for figures per second.

    >>> row = speed_row("x", ours=0.5, peer=1.0, unit="images/s", goal=2, note="", count=4)
    >>> row.ours, row.peer, row.ratio
    (8.0, 4.0, 2.0)
    """
    scale = {"ms": 1e3, "s": 1.0}
    mine, its = (count / value if count else value * scale[unit] for value in (ours, peer))
    return Row(what, mine, its, unit, peer / ours, goal, note)


def median_seconds(
    contestants: Mapping[str, Callable[[], Any]],
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median duration of a call to each contestant, see ``durations``."""
    found = durations(contestants, seconds=seconds, clock=clock)
    return {name: median(values) for name, values in found.items()}


def durations(
    contestants: Mapping[str, Callable[[], Any]],
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    in_a_row: int = 1,
) -> dict[str, list[float]]:
    """How long each call to each contestant takes, in seconds.

    They take turns, so that whatever else the machine does slows all of them alike.

    Args:
        contestants: By name.
        seconds: Spent on all of them together, at least; a few rounds are run in any case.
        clock: ``time.process_time`` counts the processor's time, of all threads together.
        in_a_row: Calls of a turn that count. With several, there is one before them that does not,
            and a pause before that: caches hold the work of the one before, and its threads may
            still be waiting for more.
    """
    for _ in range(WARMUP_ROUNDS):
        for call in contestants.values():
            call()
    found: dict[str, list[float]] = {name: [] for name in contestants}
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < MIN_ROUNDS or time.perf_counter() < end:
        for name, call in contestants.items():
            if in_a_row > 1:
                time.sleep(PAUSE_S)
                call()
            found[name] += [_duration(call, clock) for _ in range(in_a_row)]
        rounds += 1
    return found


def _duration(call: Callable[[], Any], clock: Callable[[], float]) -> float:
    _wait()
    start = clock()
    call()
    _wait()
    return clock() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def rows_as_json(rows: Sequence[Any], facts: Mapping[str, str]) -> str:
    """``{"machine": {...}, "rows": [{...}, ...]}``."""
    return json.dumps({"machine": facts, "rows": [row._asdict() for row in rows]}, indent=2)


def rows_as_text(rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    """What ``as_table`` makes of them."""
    header = ("what", "ours", "peer", "unit", "ratio", "goal", "note")
    body = [
        (
            row.what,
            f"{row.ours:.3g}",
            f"{row.peer:.3g}",
            row.unit,
            f"{row.ratio:.2f}x",
            f"{row.goal:g}x" if row.goal else "",
            row.note,
        )
        for row in rows
    ]
    return as_table(header, body, facts)


def as_table(header: Sequence[str], body: Sequence[Sequence[str]], facts: Mapping[str, str]) -> str:
    """A table that is valid Markdown, and a line about the machine."""
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    lines = [header, tuple("-" * width for width in widths), *body]
    table = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    ]
    return "\n".join([*table, "", "; ".join(f"{name} {fact}" for name, fact in facts.items())])
