"""How a command is called: ``python tools/train.py``, or ``mobilenet train`` once installed."""

import re
import shlex
import sys
from pathlib import Path

PROGRAM = "mobilenet"
SCRIPT = re.compile(r"(?:python )?\btools/(\w+)\.py")


def is_program() -> bool:
    """Whether this process was started by the installed program."""
    # what was typed: the program puts the script that it runs into sys.argv
    return any(Path(word).stem == PROGRAM for word in sys.orig_argv[:2])


def as_called(text: str) -> str:
    """A text that names commands as the checkout has them, for whoever reads it.

    Errors, help and advice name ``tools/eval.py``; the program's user knows ``mobilenet eval``.
    """
    return SCRIPT.sub(rf"{PROGRAM} \1", text) if is_program() else text


def to_run(name: str) -> str:
    """What to type for another command, from where this one was started."""
    if is_program():
        return f"{PROGRAM} {name}"
    path = Path(sys.argv[0]).with_name(f"{name}.py")
    return f"python {shlex.quote(str(path)) if path.is_file() else f'tools/{name}.py'}"
