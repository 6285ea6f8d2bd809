"""Makes a task's network, from settings or from a file that says what it holds."""

import logging
from collections.abc import Callable

import torch
from omegaconf import DictConfig
from torch.optim import Optimizer

from backbone.backbone import Backbone
from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.settings.targets import build
from tasks.common.training.task import Task

logger = logging.getLogger(__name__)


def build_backbone(config: DictConfig) -> Backbone:
    """Makes a backbone; settings that are null stay at its class's defaults."""
    settings = {key: value for key, value in config.backbone.items() if value is not None}
    backbone: Backbone = build(DictConfig(settings))
    return backbone


def build_task(config: DictConfig, *, label_map: LabelMap, image_size: int) -> Task:
    """Makes a task with new weights.

    Args:
        config: With ``task``, ``backbone``, ``head``, ``optim`` and ``schedule``.
        label_map: The classes to tell apart.
        image_size: Side of the network's input in pixels.

    Raises:
        InputError: If a setting is not allowed.
    """
    optimizer = build(config.optim)
    # Called here, since Hydra would turn a label map among its arguments into a config.
    task: Task = build(config.task)(
        backbone=build_backbone(config),
        head=build(config.head),
        optimizer=optimizer,
        schedule=build(config.schedule),
        label_map=label_map,
        image_size=image_size,
    )
    return task


def check_optimizer(optimizer: Callable[..., Optimizer]) -> None:
    """Makes one on trial, since it checks its arguments only when it gets its parameters.

    Raises:
        InputError: If it refuses them.
    """
    try:
        optimizer([torch.nn.Parameter(torch.zeros(1))])
    except (TypeError, ValueError) as error:
        raise InputError(f"optim: {error}") from error
