"""Where a command's config goes: the files that get it, in the order in which they do.

python -m tests.config_path train task=ssd_coco data=demo ...

A stay is a file whose functions are given the config, or the request with it, one after the other.
"""

import sys
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

from omegaconf import DictConfig

from tasks.common.commands.request import Request
from tasks.common.console.asking import asking
from tests.commands import ROOT

OURS = tuple(str(ROOT / package) for package in ("backbone", "heads", "tasks"))


def stays(run: Callable[[Request], object], command: str, *overrides: str) -> list[str]:
    """The files that a command's config stays in, until it ends.

    Args:
        run: Answers the request.
        command: Name of the primary config.
        overrides: Of the command line.
    """
    visited: list[str] = []

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(OURS):
            return
        names = frame.f_code.co_varnames[
            : frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
        ]
        if any(_is_whole(frame.f_locals.get(name)) for name in names):
            visited.append(str(Path(frame.f_code.co_filename).relative_to(ROOT)))

    with asking(command, overrides, {}) as request:
        sys.setprofile(look)
        try:
            run(request)
        finally:
            sys.setprofile(None)
    return [file for file, _ in groupby(visited)]


def _is_whole(value: object) -> bool:
    """Whether it is a command's config, and not a section of it."""
    return isinstance(value, Request) or (isinstance(value, DictConfig) and "backbone" in value)


if __name__ == "__main__":
    from tasks.common.commands.train import train

    found = stays(train, *sys.argv[1:])
    for file, number in Counter(found).most_common():
        print(f"{number:3}  {file}")
    print(f"{len(found)} stays in {len(set(found))} files")
