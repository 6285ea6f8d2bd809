"""What every command has in common: exit codes, and errors that a user can act on."""

import contextlib
import functools
import io
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from backbone.errors import InputError
from backbone.weights import read_checkpoint
from tasks.common.commands.usage import correct, explain, usage
from tasks.common.machine.distributed import (
    end_for_the_first_one,
    end_other_processes,
    wait_for_the_one_that_failed,
)
from tasks.common.machine.stopping import StoppedError, ignore_signals, stopped_by_signals
from tasks.common.machine.workers import end_workers
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.overrides import check_overrides
from tasks.common.settings.recompose import missing_choices
from tasks.common.settings.targets import check_targets
from tasks.common.training.task import DivergedError

FAILED = 1
USER_ERROR = 2
DIVERGED = 3
CUT_SHORT = 141  # what a shell makes of SIGPIPE
STOPPED = 128  # and the number of the signal


def command(config_name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Makes a function of a config into a command with our exit codes.

    0 done; 2 the user's input is wrong; 3 training diverged; 130 stopped by Ctrl-C and 143 by
    SIGTERM, what can be saved is; 141 whoever read the output, such as ``head``, has closed it;
    anything else is a bug, shown with its traceback. None leaves a process behind.
    """

    def decorate(function: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def run() -> None:
            if {"--help", "-h"} & set(sys.argv[1:]):
                description = sys.modules[function.__module__].__doc__ or ""
                _write(usage(description, config_name, sys.argv[1:]))
                return
            if correction := correct(sys.argv[1:], config_name):
                sys.stderr.write(f"{correction}\n")
                sys.exit(USER_ERROR)
            sys.argv[1:] = [_listed(argument) for argument in _flags_first(sys.argv[1:])]
            sys.argv += _stored_choices(sys.argv[1:])
            entered = False

            def guarded(config: DictConfig) -> None:
                nonlocal entered
                entered = True
                if HydraConfig.get().mode is RunMode.MULTIRUN:
                    # further processes of a job of a sweep are started with this, for it alone
                    sys.argv[1:] = HydraConfig.get().overrides.task
                with contextlib.redirect_stderr(stderr):
                    try:
                        code = _exit_code(function, config)
                    finally:
                        end_workers()
                if code:
                    sys.exit(code)

            stderr, said = sys.stderr, io.StringIO()
            main = hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=config_name)
            _set_up_console()
            try:
                with stopped_by_signals(), contextlib.redirect_stderr(said):
                    main(guarded)()
            except StoppedError as stop:  # before the function was entered
                sys.exit(_end_stopped(stop))
            except SystemExit as stop:
                # Hydra ends with 1 when it cannot compose: a misspelt key, a missing option.
                if stop.code == FAILED and not entered:
                    stderr.write(explain(said.getvalue(), config_name, sys.argv[1:]) + "\n")
                    sys.exit(USER_ERROR)
                stderr.write(said.getvalue())
                raise

        return run

    return decorate


def _listed(argument: str) -> str:
    """``key=a,b`` as ``key=[a,b]``: Hydra would take it for two runs."""
    key, equals, value = argument.partition("=")
    plain = not re.search(r"[\[\](){}'\"\\$]", value)
    multirun = {"-m", "--multirun"} & set(sys.argv)
    return f"{key}=[{value}]" if equals and "," in value and plain and not multirun else argument


def _flags_first(arguments: Sequence[str]) -> list[str]:
    """As Hydra needs them, where ``-m`` is given among settings."""
    return sorted(arguments, key=lambda argument: argument not in ("-m", "--multirun"))


def _stored_choices(arguments: Sequence[str]) -> list[str]:
    """The options of the checkpoint that a command line names, as Hydra needs them to begin with.

    A file that cannot be read is for the command to complain about.
    """
    given = dict(argument.partition("=")[::2] for argument in arguments)
    if not given.get("checkpoint"):
        return []
    try:
        path = Path(_unquoted(given["checkpoint"]))
        choices = read_checkpoint(path)["config"]["choices"]
        return missing_choices(choices, arguments)
    except (InputError, KeyError, TypeError, AttributeError):
        return []


def _unquoted(value: str) -> str:
    r"""What Hydra makes of a value in quotes, which may hold any character.

    >>> _unquoted('"my run (1)/a.ckpt"'), _unquoted("plain")
    ('my run (1)/a.ckpt', 'plain')
    """
    if len(value) < 2 or value[0] != value[-1] or value[0] not in "'\"":
        return value
    return re.sub(r"\\(['\"$\\])", r"\1", value[1:-1])


def _exit_code(function: Callable[[DictConfig], None], config: DictConfig) -> int:
    try:
        check_targets(config)
        check_overrides(config, HydraConfig.get())
        function(config)
        sys.stdout.flush()  # at exit it would be too late to end as we mean to
    except BrokenPipeError:
        return _cut_short()
    except DivergedError as error:
        return _end_together(DIVERGED, f"error: training diverged: {error}")
    except StoppedError as stop:
        return _end_stopped(stop)
    except Exception as error:
        mistake = _users_mistake(error)
        if mistake is None:
            if isinstance(error, RuntimeError):  # as for a connection that is closed
                wait_for_the_one_that_failed()
            end_other_processes()
            traceback.print_exc()
            return FAILED
        end_other_processes()
        sys.stderr.write(f"error: {mistake}\n")
        end_for_the_first_one(USER_ERROR)
        return USER_ERROR
    return 0


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.exit(_cut_short())


def _cut_short() -> int:
    """How a command ends whose reader has closed the pipe."""
    # what is still to be written would fail again at exit, with a message
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CUT_SHORT


def _end_stopped(stop: StoppedError) -> int:
    ignore_signals()
    code = STOPPED + stop.signum
    if stop.together:
        return _end_together(code, str(stop))
    if _is_first_process():
        end_other_processes()
        sys.stderr.write(f"{stop}\n")
    else:
        wait_for_the_one_that_failed()  # most likely the first one was stopped, too
    return code


def _end_together(code: int, message: str) -> int:
    """How a run ends that all its processes agreed to end: the first one speaks for them.

    Lightning would kill it as soon as another one's exit code is not 0.
    """
    if not _is_first_process():
        return 0
    sys.stderr.write(f"{message}\n")
    return code


def _is_first_process() -> bool:
    return getattr(rank_zero_only, "rank", 0) == 0


def _users_mistake(error: BaseException) -> str | None:
    """What to tell a user whose input caused this; None if it is our bug.

    Hydra and the loader's processes wrap an error that came from within: ours is what counts.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputError):
            # a worker process sends its error with its traceback in front
            return str(cause).rpartition("InputError: ")[2].strip()
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OmegaConfBaseException | MisconfigurationException):
        return str(error)
    return str(error).strip() if _is_lightnings_refusal(error) else None


def _is_lightnings_refusal(error: BaseException) -> bool:
    """Whether it is Lightning's own ValueError, as for settings that it checks late."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    module = frames[-1].f_globals.get("__name__", "") if frames else ""
    return isinstance(error, ValueError) and module.startswith("lightning.")


class _Console(logging.StreamHandler[TextIO]):
    """Lets a closed pipe end the command; logging would print a traceback for every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if isinstance(sys.exception(), BrokenPipeError):
            raise
        super().handleError(record)


def _set_up_console() -> None:
    """Messages as plain lines; silence about what a user can do nothing about."""
    # of several processes the first one speaks
    level = logging.INFO if _is_first_process() else logging.ERROR
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names of files that are no text
    console = _Console(sys.stdout)
    logging.basicConfig(level=level, format="%(message)s", handlers=[console], force=True)
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    for library in ("faiss", "faster_coco_eval", "httpx", "lightning.fabric"):
        logging.getLogger(library).setLevel(logging.WARNING)
    for pattern in (
        ".*does not have many workers.*",
        ".*num_workers.*",
        ".*[dD]ata[lL]oader is not resumable.*",
        ".*sync_dist=True.*",
        ".*broadcast_buffers. is deprecated.*",  # its successor is not in torch 2.11
        ".*isinstance.treespec, LeafSpec.*",
        ".*predict returned None.*",  # a batch without a readable photo
        ".*module.s. in eval mode at the start.*",  # batch norm that is to stay frozen
    ):
        warnings.filterwarnings("ignore", pattern)
