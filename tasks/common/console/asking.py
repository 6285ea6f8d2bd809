"""Requests from Python: the commands' own, with their checks and their messages."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backbone.errors import InputError
from tasks.common.commands.request import (
    REFUSALS,
    Request,
    composed,
    left_to_file,
    named_checkpoint,
    refusal,
)
from tasks.common.commands.run_folder import forget_folders
from tasks.common.console.advice import ignore_advice
from tasks.common.console.usage import correct, explain
from tasks.common.machine.stopping import StoppedError
from tasks.common.settings.overrides import check_overrides
from tasks.common.settings.writing import written


@contextlib.contextmanager
def asking(
    command: str, overrides: Sequence[str], settings: Mapping[str, Any]
) -> Iterator[Request]:
    """A request from Python, answered within.

    Args:
        command: Name of the primary config.
        overrides: As on the command line.
        settings: The same by name.

    Raises:
        InputError: With what the command line would say, if they are wrong.
        KeyboardInterrupt: If it is stopped.
    """
    texts = [*overrides, *(written(key, value) for key, value in settings.items())]
    if correction := correct(texts, command):
        raise InputError(correction.removeprefix("error: "))
    stored = named_checkpoint(texts)
    chosen = left_to_file(texts, stored)
    try:
        request = composed(command, [*texts, *chosen], stored=stored)
    except REFUSALS as error:
        said = explain(refusal(error), command, texts)
        raise InputError(said.removeprefix("error: ")) from error
    check_overrides(request.config, request.overrides, command=command)
    with warnings.catch_warnings():
        ignore_advice()
        try:
            yield request
        except StoppedError as stop:
            raise KeyboardInterrupt(str(stop)) from stop
        finally:
            forget_folders()
