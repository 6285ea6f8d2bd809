"""Evaluation of a teacher by itself."""

from lightning.pytorch import seed_everything
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError
from tasks.common.commands.batch_checks import check_validation
from tasks.common.commands.recording import in_force, say, write_config, write_json, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_scores
from tasks.common.commands.scoring import score
from tasks.common.data.module import DataModule
from tasks.common.distillation.attaching import Choices, build_teacher
from tasks.common.distillation.network_teacher import NetworkTeacher
from tasks.common.files.contents import say_files
from tasks.common.machine.cores import take_cores
from tasks.common.networks.building import build_task
from tasks.common.networks.settling import check_data_fits, check_head
from tasks.common.settings.targets import build
from tasks.common.training.trainer import build_trainer
from tasks.common.training.watching.pictures import validation_pictures


def asks_for_teacher(request: Request) -> bool:
    """Whether it is a teacher that is to be scored: there is one, and no network beside it."""
    config = request.config
    alone = request.choices.get("teacher") not in (None, "none") and not (
        config.checkpoint or config.init
    )
    return alone or request.choices.get("model") == "teacher"


def evaluate_teacher(request: Request) -> dict[str, float]:
    """Scores a teacher as its student is scored, on photos of its own size.

    Args:
        request: Of ``configs/eval.yaml``, with a task and a teacher.

    Returns:
        What ``metrics.json`` says.
    """
    config = request.config
    if config.checkpoint or config.init or not config.get("task"):
        raise InputError(
            "A teacher is scored by itself: give task=TASK teacher=NAME teacher.file=FILE, and "
            "neither checkpoint= nor init="
        )
    check_head(config, request.choices)
    check_data_fits(config, request.choices)
    results = claim_scores(request, reads=[OmegaConf.select(config, "teacher.file")])
    folder = results.folder
    data, teacher = teacher_and_data(config, request.choices)
    seed_everything(config.seed, verbose=False)
    task = build_task(config, label_map=data.label_map, image_size=data.image_size)
    task.teacher, task.scores_teacher = teacher, True
    task.trained_on = teacher.trained_on
    pictures = validation_pictures(folder, config.pictures)
    trainer = build_trainer(config.trainer, folder=folder, callbacks=pictures)
    check_validation(data, config.trainer)  # now, or a mistake would cost earlier results
    results.make_way()
    write_config(folder, in_force(config, task, folder))
    figures = score(task, data, trainer, folder=folder, precision=config.trainer.precision)
    # the rest is the cost of a student's network
    metrics = {name: value for name, value in figures.items() if name.startswith("val/")}
    lines = [f"teacher: {teacher.description()}", *task.cautions(data), *data.report_lines()]
    say(lines)
    write_report(folder, lines)
    write_json(folder / "metrics.json", metrics)
    say_files(folder)
    return metrics


def teacher_and_data(config: DictConfig, choices: Choices) -> tuple[DataModule, NetworkTeacher]:
    """A teacher that looks at photos, and data that show them at its size.

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
    shown.prepare_data()  # which draws a demo's
    teacher = build_teacher(config, shown, choices)
    if not isinstance(teacher, NetworkTeacher):
        raise InputError("A teacher that looks at photos is needed: teacher=onnx or checkpoint")
    at_its_size = config.data.copy()
    at_its_size.image_size = teacher.image_size
    data: DataModule = build(at_its_size)
    data.has_teacher = True
    return data, teacher
