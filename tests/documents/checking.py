"""Asks the commands' own checks what they say of commands on a page, and begins nothing."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from backbone.errors import InputError
from tasks.common.commands.request import Request
from tasks.common.console import command as console
from tasks.common.settings import overrides
from tests.commands import ROOT, options, run_inside
from tests.documents.reading import Command

# What names the task of a command that names none.
KNOWS_ITS_TASK = ("checkpoint=", "exported=")


def complaints(commands: Iterator[Command], folder: Path) -> list[str]:
    """What is wrong with the settings of commands, each with its place.

    Args:
        commands: Of a page.
        folder: Where they would begin.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(console, "exit_code", _only_check(console.exit_code))
        # many commands choose the same options, whose defaults are only read
        patch.setattr(overrides, "compose", _remembered(overrides.compose))
        found = ((each, complaint(each.tool, each.arguments)) for each in commands)
        return [f"{each.place}: {said}" for each, said in found if said]


@functools.cache
def complaint(tool: str, arguments: tuple[str, ...]) -> str:
    """What the command line says of these arguments; nothing if it would begin."""
    if not (ROOT / "tools" / f"{tool}.py").is_file():
        return f"{tool} is no command"
    first = _said(tool, *arguments)
    if first and any(word.startswith(KNOWS_ITS_TASK) for word in arguments):
        # there is no such file here: it would have named one of the tasks
        tasks = (f"task={name}" for name in options("task"))
        if not all(_said(tool, *arguments, task) for task in tasks):
            return ""
    return first


def _said(tool: str, *arguments: str) -> str:
    done = run_inside(tool, *arguments, cwd=Path.cwd())
    return done.stderr.strip() if done.returncode else ""


def _only_check(exit_code):
    """The end of a command whose function asks for what is missing, and does nothing."""

    def check(request: Request) -> None:
        if missing := sorted(OmegaConf.missing_keys(request.config)):
            raise InputError(f"{missing[0]} is missing")

    return lambda function, request: exit_code(check, request)


def _remembered(compose):
    remembered = functools.cache(compose)
    return lambda name, chosen=(): remembered(name, tuple(chosen))
