"""A teacher by itself: it is scored, and predicts, as a student of its would."""

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.data.module import DataModule
from tasks.common.distillation.attaching import Choices, build_teacher
from tasks.common.distillation.network_teacher import NetworkTeacher
from tasks.common.machine.cores import take_cores
from tasks.common.networks.building import build_task
from tasks.common.networks.settling import check_data_fits, check_head
from tasks.common.settings.targets import build
from tasks.common.training.task import Task

NETWORKS = ("checkpoint", "init", "exported")  # settings that name one


def asks_for_teacher(config: DictConfig, choices: Choices) -> bool:
    """Whether a teacher is asked for by itself: there is one, and no network beside it."""
    alone = has_teacher(choices) and not any(config.get(key) for key in NETWORKS)
    return alone or choices.get("model") == "teacher"


def has_teacher(choices: Choices) -> bool:
    """Whether a teacher is named."""
    return choices.get("teacher") not in (None, "none")


def check_teacher(config: DictConfig, choices: Choices) -> None:
    """Refuses what does not make a teacher by itself.

    Raises:
        InputError: Saying what does.
    """
    if any(config.get(key) for key in NETWORKS) or not config.get("task"):
        raise InputError(
            "A teacher is looked at by itself: give task=TASK teacher=NAME teacher.file=FILE, and "
            "neither checkpoint= nor init= nor exported="
        )
    check_head(config, choices)
    check_data_fits(config, choices)


def teacher_and_data(
    config: DictConfig, choices: Choices, *, draws: bool = True
) -> tuple[DataModule, NetworkTeacher]:
    """A teacher that looks at photos, and data that show them at its size.

    Args:
        config: With the task, the data and the teacher.
        choices: The option of each group.
        draws: Whether the photos of a demo are drawn; they need not be to look at others.

    Raises:
        InputError: If there is no such teacher.
    """
    if "taught" in config.task:
        raise InputError(
            "A teacher of one part is looked at with that part's own task, such as "
            "task=facenet_distill"
        )
    take_cores(config)
    shown: DataModule = build(config.data)
    if draws:
        shown.prepare_data()
    teacher = build_teacher(config, shown, choices)
    if not isinstance(teacher, NetworkTeacher):
        raise InputError("A teacher that looks at photos is needed: teacher=onnx or checkpoint")
    at_its_size = config.data.copy()
    at_its_size.image_size = teacher.image_size
    data: DataModule = build(at_its_size)
    data.has_teacher = True
    return data, teacher


def teacher_as_task(config: DictConfig, data: DataModule, teacher: NetworkTeacher) -> Task:
    """A task that says what a teacher says; the network that it has itself is never run.

    Args:
        config: With the task.
        data: At the teacher's size.
        teacher: That is asked.
    """
    task = build_task(config, label_map=data.label_map, image_size=data.image_size)
    task.teacher, task.scores_teacher = teacher, True
    task.trained_on = teacher.trained_on
    return task
