"""What every command has in common: exit codes, and errors that a user can act on."""

import functools
import logging
import sys
import traceback
import warnings
from collections.abc import Callable

import hydra
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from backbone.errors import InputError
from tasks.common.checkpoint import TerminatedError
from tasks.common.config import CONFIGS
from tasks.common.task import DivergedError

USER_ERROR = 2
DIVERGED = 3
INTERRUPTED = 130
TERMINATED = 143


def command(config_name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Makes a function of a config into a command with our exit codes.

    0 done; 2 the user's input is wrong; 3 training diverged; 143 stopped by SIGTERM after saving;
    130 interrupted from the keyboard; anything else is a bug, shown with its traceback.
    """

    def decorate(function: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def run() -> None:
            entered = False

            def guarded(config: DictConfig) -> None:
                nonlocal entered
                entered = True
                code = _exit_code(function, config)
                if code:
                    sys.exit(code)

            _set_up_console()
            main = hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=config_name)
            try:
                main(guarded)()
            except SystemExit as stop:
                # Hydra ends with 1 when it cannot compose: a misspelt key, a missing option.
                sys.exit(USER_ERROR if stop.code == 1 and not entered else stop.code)

        return run

    return decorate


def _exit_code(function: Callable[[DictConfig], None], config: DictConfig) -> int:
    try:
        function(config)
    except (InputError, hydra.errors.HydraException, OmegaConfBaseException) as error:
        # Hydra wraps an error that a constructor raised: ours is what the user needs to read
        root = next((e for e in _chain(error) if isinstance(e, InputError)), error)
        if root is error and not isinstance(error, InputError | OmegaConfBaseException):
            traceback.print_exc()
            return 1
        sys.stderr.write(f"error: {root}\n")
        return USER_ERROR
    except DivergedError as error:
        sys.stderr.write(f"error: training diverged: {error}\n")
        return DIVERGED
    except TerminatedError:
        sys.stderr.write("Stopped by SIGTERM; the state is saved. Go on with resume=last\n")
        return TERMINATED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _chain(error: BaseException | None) -> list[BaseException]:
    chain = []
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _set_up_console() -> None:
    """Messages as plain lines; silence about what a user can do nothing about."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    for library in ("faster_coco_eval", "httpx", "lightning.fabric"):
        logging.getLogger(library).setLevel(logging.WARNING)
    for pattern in (
        ".*does not have many workers.*",
        ".*num_workers.*",
        ".*DataLoader is not resumable|.*dataloader is not resumable.*",
        ".*sync_dist=True.*",
        ".*isinstance.treespec, LeafSpec.*",
    ):
        warnings.filterwarnings("ignore", pattern)
