"""Networks from the files of runs, complete."""

from collections.abc import Sequence

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.loading import load_weights, report_lines
from tasks.common.networks.own_head import own_head, settle_head, task_of_head
from tasks.common.networks.settling import settled
from tasks.common.settings.composing import compose
from tasks.common.settings.recompose import recompose
from tasks.common.training.task import Task


def restored(checkpoint: Checkpoint) -> Task:
    """The network of a run, made from our own configs with the settings it had.

    Raises:
        InputError: If it does not fit them.
    """
    return restore(own_settings(checkpoint), checkpoint)[0]


def own_settings(
    checkpoint: Checkpoint, *, task: str = "", overrides: Sequence[str] = ()
) -> DictConfig:
    """The settings of a run, or of the task that weights are for.

    Args:
        checkpoint: Of a run, or weights.
        task: Name of the weights' task; where none is given, it is found by their head.
        overrides: Of settings, as on a command line.

    Raises:
        InputError: If it cannot be found.
    """
    if checkpoint.choices:
        config = recompose(
            "predict", saved=checkpoint.values, choices=checkpoint.choices, overrides=overrides
        )
    else:
        given = [f"task={task or task_of(checkpoint)}", *overrides]
        config = compose("predict", given)
        if head := own_head(config, checkpoint.description):
            config = compose("predict", [f"head={head}", *given])
        config = settle_head(config, checkpoint.description, overrides=overrides)
    return settled(config, checkpoint)


def task_of(checkpoint: Checkpoint) -> str:
    """The task that weights are for, by their head.

    Raises:
        InputError: If there is none.
    """
    wanted = checkpoint.description.get("head", {}).get("name")
    if task := task_of_head(wanted):
        return task
    raise InputError(
        f"{checkpoint.path} holds {f'a head {wanted}' if wanted else 'no head'}, which is that of "
        "no task. Say whose it is with task="
    )


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
    return task, report_lines(report, checkpoint, image_size=task.image_size)
