"""What every command has in common: its arguments, its help and its messages."""

import contextlib
import functools
import io
import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from tasks.common.commands.request import (
    REFUSALS,
    Request,
    composed,
    left_to_file,
    named_checkpoint,
    refusal,
    request_of,
)
from tasks.common.console.advice import ignore_advice
from tasks.common.console.exit_codes import (
    FAILED,
    USER_ERROR,
    cut_short,
    end_stopped,
    exit_code,
)
from tasks.common.console.sweeps import Sweep
from tasks.common.console.usage import correct, explain, usage
from tasks.common.machine.first_process import is_first_process
from tasks.common.machine.stopping import StoppedError, stopped_by_signals
from tasks.common.machine.workers import end_workers
from tasks.common.settings.called import as_called
from tasks.common.settings.composing import check_task_named
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.writing import path_as_text, settings_in, unreadable_as_text

MULTIRUN = {"-m", "--multirun"}


def command(config_name: str) -> Callable[[Callable[[Request], None]], Callable[[], None]]:
    """Makes a function of a request into a command with our exit codes.

    0 done; 2 the user's input is wrong; 3 training diverged; 130 stopped by Ctrl-C and 143 by
    SIGTERM, what can be saved is; 141 whoever read the output, such as ``head``, has closed it;
    anything else is a bug, shown with its traceback. None leaves a process behind.

    The function imports what it works with by itself: help and refusals of what is misspelt come
    at once, without torch.
    """

    def decorate(function: Callable[[Request], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def run() -> None:
            if {"--help", "-h"} & set(sys.argv[1:]):
                description = sys.modules[function.__module__].__doc__ or ""
                _write(usage(description, config_name, sys.argv[1:]))
                return
            if correction := correct(sys.argv[1:], config_name):
                sys.stderr.write(as_called(f"{correction}\n"))
                sys.exit(USER_ERROR)
            arguments = _flags_first(sys.argv[1:])
            if not MULTIRUN & set(arguments):  # where a comma parts jobs
                arguments = [
                    unreadable_as_text(_listed(path_as_text(argument))) for argument in arguments
                ]
            sys.argv[1:] = arguments
            stored = named_checkpoint(sys.argv[1:])
            sys.argv += left_to_file(sys.argv[1:], stored)
            _set_up_console()
            answer = _through_hydra if _is_for_hydra(sys.argv[1:]) else _answer
            try:
                with stopped_by_signals():
                    code = answer(function, config_name, stored)
            except StoppedError as stop:  # before the function was entered
                code = end_stopped(stop)
            if code:
                sys.exit(code)

        return run

    return decorate


def _answer(function: Callable[[Request], None], config_name: str, stored: Any) -> int:
    """Runs a command's function on the request that the command line makes."""
    try:
        request = composed(config_name, sys.argv[1:], stored=stored)
    except REFUSALS as error:
        said = explain(refusal(error), config_name, sys.argv[1:])
        sys.stderr.write(as_called(f"{said}\n"))
        return USER_ERROR
    try:
        return exit_code(function, request)
    finally:
        end_workers()


def _is_for_hydra(arguments: Sequence[str]) -> bool:
    """Whether Hydra itself is asked for something: a sweep, a flag of its own or a setting."""
    return any(key.startswith(("-", "hydra.", "hydra/")) for key in settings_in(arguments))


def _through_hydra(function: Callable[[Request], None], config_name: str, stored: Any) -> int:
    """As ``_answer``, by Hydra's own way: for each job of a sweep."""
    entered, arguments = False, sys.argv[1:]

    def guarded(config: DictConfig) -> None:
        nonlocal entered
        entered = True
        request = request_of(config, HydraConfig.get())._replace(stored=stored)
        request = request._replace(job=sweep.job(request, HydraConfig.get()))
        if request.job is not None:
            # further processes of a job of a sweep are started with this, for it alone
            sys.argv[1:] = request.overrides
        with contextlib.redirect_stderr(stderr):
            try:
                code = exit_code(function, request)
            finally:
                end_workers()
        if code:
            sys.exit(code)

    stderr, said = sys.stderr, io.StringIO()
    sweep = Sweep(arguments)
    main = hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=config_name)
    try:
        check_task_named(config_name, sys.argv[1:])
    except REFUSALS as error:
        stderr.write(f"error: {error}\n")
        return USER_ERROR
    try:
        with contextlib.redirect_stderr(said):
            main(guarded)()
    except SystemExit as stop:
        # Hydra ends with 1 when it cannot compose: a misspelt key, a missing option.
        if stop.code == FAILED and not entered:
            stderr.write(as_called(explain(said.getvalue(), config_name, sys.argv[1:])) + "\n")
            return USER_ERROR
        stderr.write(said.getvalue())
        raise
    if MULTIRUN & set(arguments):
        sweep.show(config_name)
    return 0


def _listed(argument: str) -> str:
    """``key=a,b`` as ``key=[a,b]``: Hydra would take it for two runs."""
    key, equals, value = argument.partition("=")
    plain = not re.search(r"[\[\](){}'\"\\$]", value)
    return f"{key}=[{value}]" if equals and "," in value and plain else argument


def _flags_first(arguments: Sequence[str]) -> list[str]:
    """As Hydra needs them, where ``-m`` is given among settings."""
    return sorted(arguments, key=lambda argument: argument not in MULTIRUN)


def _write(text: str) -> None:
    try:
        sys.stdout.write(as_called(text))
        sys.stdout.flush()
    except BrokenPipeError:
        sys.exit(cut_short())


class _Console(logging.StreamHandler[TextIO]):
    """Lets a closed pipe end the command; logging would print a traceback for every line."""

    def format(self, record: logging.LogRecord) -> str:
        return as_called(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if isinstance(sys.exception(), BrokenPipeError):
            raise
        super().handleError(record)


def _set_up_console() -> None:
    """Messages as plain lines; silence about what a user can do nothing about."""
    # of several processes the first one speaks
    level = logging.INFO if is_first_process() else logging.ERROR
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names of files that are no text
    console = _Console(sys.stdout)
    logging.basicConfig(level=level, format="%(message)s", handlers=[console], force=True)
    ignore_advice()
