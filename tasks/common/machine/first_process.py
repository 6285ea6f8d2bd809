"""Which of the processes of a run speaks and writes for all."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")

RANKS = "lightning_utilities.core.rank_zero"  # where Lightning says it, once it is there


def is_first_process() -> bool:
    """Whether this is the process of a run that speaks for all."""
    rank = getattr(getattr(sys.modules.get(RANKS), "rank_zero_only", None), "rank", None)
    # before Lightning is there, its environment says it
    return int(os.environ.get("LOCAL_RANK", 0) if rank is None else rank) == 0


def by_first_process(function: Callable[P, None]) -> Callable[P, None]:
    """Has a function do its work in the first process of a run alone."""

    @functools.wraps(function)
    def work(*args: P.args, **kwargs: P.kwargs) -> None:
        if is_first_process():
            function(*args, **kwargs)

    return work
