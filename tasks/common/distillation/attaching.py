"""Which teachers a run has, and what they teach."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from backbone.errors import InputError, settings_of
from tasks.common.data.module import DataModule
from tasks.common.distillation.network_teacher import NetworkTeacher
from tasks.common.settings.targets import build
from tasks.common.training.task import Task
from tasks.common.training.teacher import Teacher

Choices = Mapping[str, str | None]

LAYOUTS = ("auto", "table")  # options of data= that name no data set


def teacher_settings(config: DictConfig) -> dict[str, DictConfig | None]:
    """The settings of each part's teacher, null for none; one task is one part without a name."""
    if "taught" not in config.task:
        return {"": config.get("teacher")}
    named = config.get("teachers") or {}
    every: dict[str, DictConfig | None] = {part: named.get(part) for part in config.task.parts}
    return every | {config.task.taught: config.get("teacher")}


def teacher_files(config: DictConfig) -> list[object]:
    """The files that teachers are read from."""
    return [OmegaConf.select(each, "file") for each in teacher_settings(config).values() if each]


def expect_teachers(data: DataModule, config: DictConfig) -> None:
    """Tells data that a teacher will set their targets, before they are read."""
    for part, named in teacher_settings(config).items():
        data.of(part).has_teacher = bool(named)


def attach_teachers(task: Task, data: DataModule, config: DictConfig, choices: Choices) -> None:
    """Gives a task the teachers that the user named, or that its data have."""
    for part in teacher_settings(config):
        teacher = build_teacher(config, data.of(part), choices, part=part)
        task.of(part).teacher = teacher
        if isinstance(teacher, NetworkTeacher):  # now, or it would be told after all data are read
            targets = teacher(blank_batch(teacher.image_size))
            with settings_of("head", f"parts.{part}") if part else contextlib.nullcontext():
                task.of(part).check_teacher(targets)


def blank_batch(side: int) -> dict[str, Tensor]:
    """A batch of one black photo."""
    return {"image": torch.zeros(1, 3, side, side, dtype=torch.uint8)}


def build_teacher(
    config: DictConfig, data: DataModule, choices: Choices, *, part: str = ""
) -> Teacher | None:
    """The teacher that the user named for a part, or that its data have.

    Raises:
        InputError: If the part learns from none.
    """
    settings = teacher_settings(config)[part]
    if not settings:
        own: Teacher | None = data.own_teacher()
        return own
    taught = config.task.parts[part] if part else config.task
    if not get_class(taught["_target_"]).takes_teacher:  # type: ignore[attr-defined]
        raise InputError(
            f"teacher={choices['teacher']}: there is nothing to teach task={choices['task']}"
            f"{f', part {part}' if part else ''}"
        )
    if OmegaConf.is_missing(settings, "file"):
        key = f"teachers.{part}" if part and part != config.task.taught else "teacher"
        raise InputError(
            f"{key} needs a file: give {key}.file=FILE, or for {key}=table the folder that "
            "tools/cache_teacher.py wrote. Without a teacher: teacher=none"
        )
    # Called here, since Hydra would turn data among its arguments into a config.
    teacher: Teacher = build(settings)(data=data)
    return teacher


def folders(config: DictConfig) -> list[str]:
    """The names of the folders that a run's data are in."""
    given = config.data.get("roots") or [config.data.root]
    return [Path(str(root)).absolute().name for root in given if root not in (None, "")]


def learned_from(
    task: Task, before: Sequence[str], config: DictConfig, choices: Choices
) -> list[str]:
    """The data sets that weights will have learned from, themselves or through teachers.

    Args:
        task: With its teachers.
        before: Those that its weights have learned from already.
        config: Of the run.
        choices: Of the run, which name its data.
    """
    teachers = [task.of(part).teacher for part in teacher_settings(config)]
    taught = [name for teacher in teachers if teacher for name in teacher.trained_on]
    several = [choice for group, choice in choices.items() if group.startswith("data@")]
    own = several or ([choices["data"]] if choices["data"] not in LAYOUTS else folders(config))
    made_with = task.backbone.trained_on
    return list(dict.fromkeys([*before, *made_with, *taught, *map(str, own)]))
