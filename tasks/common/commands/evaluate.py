"""Evaluation of a network from a file."""

from lightning.pytorch import seed_everything

from tasks.common.commands.batch_checks import check_validation
from tasks.common.commands.recording import in_force, say, write_config, write_json, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_scores, draw_data
from tasks.common.commands.scoring import score
from tasks.common.commands.start import ready, stored_network
from tasks.common.data.module import DataModule
from tasks.common.files.contents import say_files
from tasks.common.machine.cores import take_cores
from tasks.common.settings.targets import build
from tasks.common.training.trainer import build_trainer
from tasks.common.training.watching.pictures import validation_pictures


def evaluate(request: Request) -> dict[str, float]:
    """Scores a checkpoint, or imported weights, on a task's validation data.

    Args:
        request: Of ``configs/eval.yaml``.

    Returns:
        What ``metrics.json`` says.
    """
    config, checkpoint = stored_network(request)
    results = claim_scores(request, reads=[checkpoint.path])
    folder = results.folder
    take_cores(config)
    data: DataModule = build(config.data)
    seed_everything(config.seed, verbose=False)
    task, lines = ready(config, checkpoint)
    draw_data(data, results)
    lines += task.cautions(data)
    pictures = validation_pictures(folder, config.pictures)
    trainer = build_trainer(config.trainer, folder=folder, callbacks=pictures)
    check_validation(data, config.trainer)  # now, or a mistake would cost earlier results
    results.make_way()
    write_config(folder, in_force(config, task, folder))
    metrics = score(task, data, trainer, folder=folder, precision=config.trainer.precision)
    lines += data.report_lines()
    say(lines)
    write_report(folder, lines)
    write_json(folder / "metrics.json", metrics)
    say_files(folder)
    return metrics
