"""The network in a file that a command names, and the settings that belong to it."""

from pathlib import Path

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.commands.request import Request
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.settling import check_options, settled
from tasks.common.settings.recompose import recompose


def stored_network(request: Request) -> tuple[DictConfig, Checkpoint]:
    """The settings and the weights that ``checkpoint=`` or ``init=`` name.

    Raises:
        InputError: If neither or both are given, or the file and the settings do not fit.
    """
    config = request.config
    if bool(config.checkpoint) == bool(config.init):
        raise InputError(
            "Give either checkpoint=FILE, from a run, or task=TASK init=FILE, with imported weights"
        )
    if config.init:
        if not config.get("task"):
            raise InputError("init=FILE needs a task, such as task=ssd_coco")
        checkpoint = Checkpoint.read(Path(str(config.init)))
    else:
        checkpoint = request.stored or Checkpoint.of_run(Path(str(config.checkpoint)))
        config = recompose(
            request.command,
            saved=checkpoint.values,
            choices=checkpoint.choices,
            overrides=request.overrides,
        )
    check_options(config, request.choices)
    return settled(config, checkpoint), checkpoint
