"""Evaluation of a teacher by itself."""

from lightning.pytorch import seed_everything
from omegaconf import OmegaConf

from tasks.common.commands.batch_checks import check_validation
from tasks.common.commands.recording import in_force, say, write_config, write_json, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_scores
from tasks.common.commands.scoring import score
from tasks.common.distillation.alone import check_teacher, teacher_and_data, teacher_as_task
from tasks.common.files.contents import say_files
from tasks.common.training.trainer import build_trainer
from tasks.common.training.watching.pictures import validation_pictures


def evaluate_teacher(request: Request) -> dict[str, float]:
    """Scores a teacher as its student is scored, on photos of its own size.

    Args:
        request: Of ``configs/eval.yaml``, with a task and a teacher.

    Returns:
        What ``metrics.json`` says.
    """
    config = request.config
    check_teacher(config, request.choices)
    results = claim_scores(request, reads=[OmegaConf.select(config, "teacher.file")])
    folder = results.folder
    data, teacher = teacher_and_data(config, request.choices)
    seed_everything(config.seed, verbose=False)
    task = teacher_as_task(config, data, teacher)
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
