"""Networks from the files of runs, complete."""

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.loading import load_weights, report_lines
from tasks.common.networks.settling import settled
from tasks.common.settings.recompose import recompose
from tasks.common.training.task import Task


def restored(checkpoint: Checkpoint) -> Task:
    """The network of a run, made from our own configs with the settings it had.

    Raises:
        InputError: If it does not fit them.
    """
    config = recompose("eval", saved=checkpoint.values, choices=checkpoint.choices, overrides=[])
    return restore(settled(config, checkpoint), checkpoint)[0]


def restore(config: DictConfig, checkpoint: Checkpoint) -> tuple[Task, list[str]]:
    """A task with the network of a file, complete, and what was taken from that.

    Raises:
        InputError: If the file holds no whole network of this task.
    """
    description = checkpoint.description
    if "label_map" not in description:
        raise InputError(
            f"{checkpoint.path} holds a backbone without a head: train one with "
            f"init={checkpoint.path}"
        )
    task = build_task(
        config,
        label_map=LabelMap.from_dict(description["label_map"]),
        # free if the file is for another head, which is refused below
        image_size=config.data.image_size or description["image_size"],
    )
    task.trained_on = checkpoint.trained_on
    report = load_weights(task, checkpoint)
    if report.started_anew and task.uses_head:
        raise InputError(
            f"{checkpoint.path} lacks {len(report.started_anew)} tensors of this task's network, "
            f"such as {report.started_anew[0]}: it was made for another task."
        )
    return task, report_lines(report, checkpoint)
