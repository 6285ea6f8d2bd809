"""Prediction on photos with a network from a file."""

from typing import Any

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.commands.recording import say, write_json, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output
from tasks.common.commands.start import ready, stored_network
from tasks.common.commands.summary import say_files
from tasks.common.data.module import DataModule
from tasks.common.machine.cores import take_cores
from tasks.common.machine.stopping import StoppedError
from tasks.common.networks.folding import fix_weights
from tasks.common.settings.targets import build
from tasks.common.training.checkpoints import StopBetweenBatches
from tasks.common.training.pictures import PredictionWriter
from tasks.common.training.task import Task
from tasks.common.training.trainer import build_trainer, work_exactly


def predict(request: Request) -> list[dict[str, Any]]:
    """Predicts on photos, draws them and writes ``predictions.json``.

    Args:
        request: Of ``configs/predict.yaml``.

    Returns:
        What ``predictions.json`` says.

    Raises:
        InputError: After all others are done, if photos could not be read.
    """
    results = claim_output(request, reads=[request.config.checkpoint, request.config.init])
    folder = results.folder
    paths = results.photos(request.config.input)
    config, checkpoint = stored_network(request)
    take_cores(config)
    data: DataModule = build(config.data)
    task, _ = ready(config, checkpoint)
    show_heat_maps(task, config)
    writer = PredictionWriter(paths, folder / "pictures", min_score=config.pictures.min_score)
    callbacks = [writer, StopBetweenBatches()]
    trainer = build_trainer(config.trainer, folder=folder, callbacks=callbacks)
    work_exactly(trainer, precision=config.trainer.precision)
    fix_weights(task.eval(), precision=trainer.precision)
    results.make_way()
    try:
        trainer.predict(task, data.predict_dataloader(paths), return_predictions=False)
    except StoppedError as stop:
        stop.kept = f"{len(writer.entries)} of {len(paths)} photos are done, see {folder}"
        raise
    finally:
        write_json(folder / "predictions.json", writer.entries)
    check_errors(writer.errors, total=len(paths), policy=config.data.on_bad_image)
    report = [f"{len(writer.entries)} of {len(paths)} photos done"]
    report += [f"  1 photo skipped: {error}" for error in writer.errors]
    say(report)
    write_report(folder, report)
    say_files(folder)
    return writer.entries


def show_heat_maps(task: Task, config: DictConfig) -> None:
    """Has a task show what decided its predictions, if that is asked for.

    Raises:
        InputError: If it cannot.
    """
    task.heat_maps = bool(config.get("heat_map"))  # a demo without any lacks the setting
    if task.heat_maps and not task.has_heat_maps:
        raise InputError("heat_map=true: only classifiers have heat maps. Leave it out")


def check_errors(errors: list[str], *, total: int, policy: str) -> None:
    """Raises an InputError about photos that could not be read, unless they may be skipped."""
    if errors and policy == "error":
        raise InputError(
            f"{len(errors)} of {total} photos could not be read; the others are done. "
            "data.on_bad_image=skip accepts that.\n" + "\n".join(errors)
        )
