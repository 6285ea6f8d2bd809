"""How commands end: exit codes, and errors that a user can act on."""

import os
import sys
import traceback
from collections.abc import Callable

from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from backbone.errors import InputError
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import forget_folders
from tasks.common.machine.distributed import (
    end_for_the_first_one,
    end_other_processes,
    wait_for_the_one_that_failed,
)
from tasks.common.machine.first_process import is_first_process
from tasks.common.machine.stopping import StoppedError, ignore_signals
from tasks.common.settings.called import as_called
from tasks.common.settings.hints import what_is
from tasks.common.settings.overrides import check_overrides
from tasks.common.training.diverged import DivergedError

FAILED = 1
USER_ERROR = 2
DIVERGED = 3
CUT_SHORT = 141  # what a shell makes of SIGPIPE
STOPPED = 128  # and the number of the signal


def exit_code(function: Callable[[Request], None], request: Request) -> int:
    """Runs a command's function, and says with what code the command ends.

    Its error, if there is one, is shown.
    """
    try:
        check_overrides(request.config, request.overrides, command=request.command)
        function(request)
        sys.stdout.flush()  # at exit it would be too late to end as we mean to
    except BrokenPipeError:
        return cut_short()
    except DivergedError as error:
        return _end_together(DIVERGED, f"error: training diverged: {error}")
    except StoppedError as stop:
        return end_stopped(stop)
    except Exception as error:
        mistake = _users_mistake(error, command=request.command)
        if mistake is None:
            if isinstance(error, RuntimeError):  # as for a connection that is closed
                wait_for_the_one_that_failed()
            end_other_processes()
            traceback.print_exc()
            return FAILED
        end_other_processes()
        sys.stderr.write(as_called(f"error: {mistake}\n"))
        end_for_the_first_one(USER_ERROR)
        return USER_ERROR
    finally:
        forget_folders()
    return 0


def cut_short() -> int:
    """How a command ends whose reader has closed the pipe."""
    # what is still to be written would fail again at exit, with a message
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CUT_SHORT


def end_stopped(stop: StoppedError) -> int:
    """How a command ends that was asked to."""
    ignore_signals()
    code = STOPPED + stop.signum
    if stop.together:
        return _end_together(code, str(stop))
    if is_first_process():
        end_other_processes()
        sys.stderr.write(as_called(f"{stop}\n"))
    else:
        wait_for_the_one_that_failed()  # most likely the first one was stopped, too
    return code


def _end_together(code: int, message: str) -> int:
    """How a run ends that all its processes agreed to end: the first one speaks for them.

    Lightning would kill it as soon as another one's exit code is not 0.
    """
    if not is_first_process():
        return 0
    sys.stderr.write(f"{message}\n")
    return code


def _users_mistake(error: BaseException, *, command: str) -> str | None:
    """What to tell a user whose input caused this; None if it is our bug.

    Hydra and the loader's processes wrap an error that came from within: ours is what counts.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputError):
            # a worker process sends its error with its traceback in front
            return str(cause).rpartition("InputError: ")[2].strip()
        cause = cause.__cause__ or cause.__context__
    # by its name, since commands that need no Lightning start without it
    lightnings = type(error).__name__ == "MisconfigurationException"
    if isinstance(error, MissingMandatoryValue):
        what = what_is(str(error.full_key), command) or "--help says what it is"
        return f"{error.full_key}= is needed: {what}"
    if isinstance(error, OmegaConfBaseException) or lightnings:
        return str(error)
    return str(error).strip() if _is_lightnings_refusal(error) else None


def _is_lightnings_refusal(error: BaseException) -> bool:
    """Whether it is Lightning's own ValueError, as for settings that it checks late."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    module = frames[-1].f_globals.get("__name__", "") if frames else ""
    return isinstance(error, ValueError) and module.startswith("lightning.")
