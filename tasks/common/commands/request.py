"""What a command was asked for."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hydra.errors import HydraException
from omegaconf import DictConfig, flag_override
from omegaconf.errors import OmegaConfBaseException

from backbone.errors import InputError
from tasks.common.settings.composing import compose
from tasks.common.settings.recompose import missing_choices
from tasks.common.settings.writing import settings_in, written


class Job(NamedTuple):
    """One of the runs of a sweep.

    Attributes:
        name: Its number and what sets it apart.
        sweep: The folder for all of them where the user has named none.
    """

    name: str
    sweep: Path


class Request(NamedTuple):
    """What a command was asked for, on the command line or from Python.

    Attributes:
        config: As composed; not to be changed.
        choices: The option of each group, null for none.
        overrides: That the user gave, as on a command line.
        command: Name of the primary config.
        job: Of a sweep; None outside of one.
        stored: The ``Checkpoint`` that the request names, where it has been read already.
    """

    config: DictConfig
    choices: Mapping[str, str | None]
    overrides: Sequence[str]
    command: str
    job: Job | None = None
    stored: Any = None

    def with_config(self, config: DictConfig) -> "Request":
        """The same request with other settings."""
        return self._replace(config=config)


# What Hydra raises at a command line that makes no config.
REFUSALS = (HydraException, OmegaConfBaseException)


def refusal(error: BaseException) -> str:
    """What Hydra says of a command line, with the reason that it has from OmegaConf."""
    return "\n".join(map(str, filter(None, (error, error.__cause__))))


def composed(command: str, overrides: Sequence[str], *, stored: Any = None) -> Request:
    """The request that a command line of these overrides makes."""
    config = compose(command, overrides, hydra_too=True)
    with flag_override(config, ["struct", "readonly"], False):
        hydra = config.pop("hydra")
    return request_of(config, hydra)._replace(stored=stored)


def request_of(config: DictConfig, hydra: Any) -> Request:
    """The request of a config, by what Hydra says of it in its own."""
    choices = hydra.runtime.choices.items()
    return Request(
        config=config,
        choices={group: option for group, option in choices if not group.startswith("hydra/")},
        overrides=list(hydra.overrides.task),
        command=str(hydra.job.config_name),
    )


def named_checkpoint(arguments: Sequence[str]) -> Any:
    """The ``Checkpoint`` that a command line names, whose options Hydra needs to begin with.

    A file that cannot be read is for the command to complain about.
    """
    given = dict(argument.partition("=")[::2] for argument in arguments)
    if not given.get("checkpoint"):
        return None
    from tasks.common.networks.checkpoint import Checkpoint

    try:
        return Checkpoint.of_run(Path(unquoted(given["checkpoint"])))
    except InputError:
        return None


def left_to_file(arguments: Sequence[str], stored: Any) -> list[str]:
    """What a command line leaves to the checkpoint or the export that it names, as overrides.

    Args:
        arguments: Of the command line.
        stored: What ``named_checkpoint`` says of it.
    """
    if stored:
        return missing_choices(stored.choices, arguments)
    given = settings_in(arguments)
    if not given.get("exported"):
        return []
    from tasks.common.exported.metadata import read_metadata, settings_of

    try:
        metadata = read_metadata(Path(unquoted(given["exported"])))
        settings = {} if given.get("data") else settings_of(metadata)
    except InputError:  # which is for the command to say
        return []
    left = [written(key, value) for key, value in settings.items() if key not in given]
    return [*missing_choices({"task": metadata["task"] or None}, arguments), *left]


def unquoted(value: str) -> str:
    r"""What Hydra makes of a value in quotes, which may hold any character.

    >>> unquoted('"my run (1)/a.ckpt"'), unquoted("plain")
    ('my run (1)/a.ckpt', 'plain')
    """
    if len(value) < 2 or value[0] != value[-1] or value[0] not in "'\"":
        return value
    return re.sub(r"\\(['\"$\\])", r"\1", value[1:-1])
