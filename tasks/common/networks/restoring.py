"""Networks from the files of runs, complete."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from backbone.description import lineage
from backbone.errors import InputError
from backbone.weights import Weights, read_checkpoint, read_weights
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.networks.loading import load_weights, report_lines
from tasks.common.networks.settling import settle
from tasks.common.settings.recompose import recompose
from tasks.common.training.task import Task


def restore_checkpoint(source: Path) -> Task:
    """The network of a run, made from our own configs with the settings it had.

    Raises:
        InputError: If the file is no checkpoint of a run.
    """
    values, choices = _settings(source)
    weights = read_weights(source)
    config = recompose("eval", saved=values, choices=choices, overrides=[])
    settle(config, weights, source=source)
    return _restore(config, weights, source)[0]


def _settings(source: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values and the choices of options that a checkpoint's run had."""
    config = read_checkpoint(source).get("config")
    match config:
        case {"values": dict(values), "choices": dict(choices)}:
            return values, choices
    raise InputError(f"{source}: a checkpoint that lacks the settings of its run")


def _restore(config: DictConfig, weights: Weights, source: Path) -> tuple[Task, list[str]]:
    """A task with the network of a file, complete."""
    description = weights.description
    if "label_map" not in description:
        raise InputError(f"{source} holds a backbone without a head: train one with init={source}")
    task = build_task(
        config,
        label_map=LabelMap.from_dict(description["label_map"]),
        # free if the file is for another head, which is refused below
        image_size=config.data.image_size or description["image_size"],
    )
    task.trained_on = lineage(description)
    report = load_weights(task, weights, source=source)
    if report.started_anew and task.uses_head:
        raise InputError(
            f"{source} lacks {len(report.started_anew)} tensors of this task's network, such as "
            f"{report.started_anew[0]}: it was made for another task."
        )
    return task, report_lines(report, source=source, description=description)
