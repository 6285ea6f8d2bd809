"""Runs commands, one after the other, as where processes are not forked.

python -m tests.spawned spawn train task=ssd_coco -- eval checkpoint=FILE
"""

import importlib
import multiprocessing
import sys
from itertools import groupby

if __name__ == "__main__":  # which a process that is started so does not run
    method, *words = sys.argv[1:]
    multiprocessing.set_start_method(method)
    multiprocessing.set_forkserver_preload(
        ["tasks.common.commands.train", "tasks.common.console.command"]
    )
    for separates, command in groupby(words, "--".__eq__):
        if not separates:
            tool, *sys.argv[1:] = command
            importlib.import_module(f"tools.{tool}").main()
