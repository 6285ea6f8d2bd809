"""One program for all commands: ``mobilenet train task=imagenet data.root=photos``."""

import ast
import difflib
import runpy
import sys
from importlib.metadata import version

from tasks.common.console.exit_codes import USER_ERROR
from tasks.common.settings.called import PROGRAM, as_called
from tasks.common.settings.configs import TOOLS

HELP = f"""\
{PROGRAM} COMMAND key=value ...

{{commands}}

{PROGRAM} COMMAND --help shows the settings of one, {PROGRAM} --version the version.
"""


def main() -> None:
    """Runs the command that is named first, as ``python tools/COMMAND.py`` does."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        sys.stdout.write(HELP.format(commands="\n".join(_listed())))
    elif name in ("--version", "version"):
        sys.stdout.write(version("mobilenet-suite") + "\n")
    elif name in (names := command_names()):
        script = str(TOOLS / f"{name}.py")
        # also how further processes of a training are started
        sys.argv = [script, *arguments]
        runpy.run_path(script, run_name="__main__")
    else:
        near = difflib.get_close_matches(name, names, n=1)
        meant = f" Did you mean {PROGRAM} {near[0]}?" if near else ""
        listed = ", ".join(names)
        sys.stderr.write(f"error: {name} is no command.{meant}\nCommands: {listed}\n")
        sys.exit(USER_ERROR)


def command_names() -> list[str]:
    """All commands."""
    return sorted(path.stem for path in TOOLS.glob("[!_]*.py"))


def _listed() -> list[str]:
    """A line for each command, the first of what its script says of itself."""
    names = command_names()
    width = max(map(len, names))
    return [f"  {name:{width}}  {_summary(name)}" for name in names]


def _summary(name: str) -> str:
    text = (TOOLS / f"{name}.py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    return as_called(first.partition(": python")[0])
