"""What is done with a teacher by itself: its targets are kept, or it is scored."""

from pathlib import Path

from lightning.pytorch import seed_everything
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError
from tasks.common.batches import check_validation
from tasks.common.closing import say_files
from tasks.common.config import build
from tasks.common.cores import take_cores
from tasks.common.data import DataModule
from tasks.common.network import build_task, check_head
from tasks.common.pictures import ValidationPictures
from tasks.common.results import claim_scores
from tasks.common.run import (
    build_teacher,
    say,
    score,
    write_config,
    write_json,
    write_report,
)
from tasks.common.target_table import write_targets
from tasks.common.teacher import NetworkTeacher
from tasks.common.trainer import build_trainer


def cache_targets(config: DictConfig) -> str:
    """Writes a teacher's targets for a task's training photos.

    Args:
        config: The composed ``configs/cache_teacher.yaml``.

    Returns:
        What was done.
    """
    data, teacher = _teacher_and_data(config)
    folder = Path(str(config.output))
    trainer = build_trainer(config.trainer, folder=folder, callbacks=[])
    done = write_targets(teacher, data, folder, trainer=trainer)
    write_report(folder, [done, *data.report_lines()])
    say(data.report_lines())
    return done


def evaluate_teacher(config: DictConfig) -> dict[str, float]:
    """Scores a teacher as its student is scored, on photos of its own size.

    Args:
        config: The composed ``configs/eval.yaml``, with a task and a teacher.
    """
    if config.checkpoint or config.init or not config.get("task"):
        raise InputError(
            "model=teacher scores the teacher itself: give task=TASK teacher=NAME "
            "teacher.file=FILE, and neither checkpoint= nor init="
        )
    check_head(config)
    results = claim_scores(config, reads=[OmegaConf.select(config, "teacher.file")])
    folder = results.folder
    data, teacher = _teacher_and_data(config)
    seed_everything(config.seed, verbose=False)
    task = build_task(config, label_map=data.label_map, image_size=data.image_size)
    task.teacher, task.scores_teacher = teacher, True
    task.trained_on = teacher.trained_on
    pictures = ValidationPictures(folder / "pictures", **config.pictures)
    trainer = build_trainer(config.trainer, folder=folder, callbacks=[pictures])
    check_validation(data, config.trainer)  # now, or a mistake would cost earlier results
    results.make_way()
    write_config(folder, config)
    figures = score(task, data, trainer, folder=folder, precision=config.trainer.precision)
    # the rest is the cost of a student's network
    metrics = {name: value for name, value in figures.items() if name.startswith("val/")}
    lines = [f"teacher: {teacher.description()}", *task.cautions(data), *data.report_lines()]
    say(lines)
    write_report(folder, lines)
    write_json(folder / "metrics.json", metrics)
    say_files(folder)
    return metrics


def _teacher_and_data(config: DictConfig) -> tuple[DataModule, NetworkTeacher]:
    """A teacher that looks at photos, and data that show them at its size."""
    if "taught" in config.task:
        raise InputError(
            "A teacher of one part is looked at with that part's own task, such as "
            "task=facenet_distill"
        )
    take_cores(config)
    shown: DataModule = build(config.data)
    shown.prepare_data()  # which draws a demo's
    teacher = build_teacher(config, shown)
    if not isinstance(teacher, NetworkTeacher):
        raise InputError("A teacher that looks at photos is needed: teacher=onnx or checkpoint")
    config.data.image_size = teacher.image_size
    data: DataModule = build(config.data)
    data.taught = True
    return data, teacher
