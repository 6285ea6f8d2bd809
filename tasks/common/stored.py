"""Evaluation and prediction with a network from a file."""

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from lightning.pytorch import seed_everything
from omegaconf import DictConfig

from backbone.errors import InputError
from backbone.weights import Weights, lineage, read_checkpoint, read_weights
from tasks.common.batches import check_validation
from tasks.common.checkpoint import StopBetweenBatches
from tasks.common.closing import say_files
from tasks.common.config import build, recompose
from tasks.common.cores import take_cores
from tasks.common.data import DataModule
from tasks.common.drawn import prepare
from tasks.common.labels import LabelMap
from tasks.common.network import (
    build_task,
    check_options,
    fix_weights,
    load_weights,
    report_lines,
    settle,
)
from tasks.common.pictures import PredictionWriter, ValidationPictures
from tasks.common.results import claim_output, claim_scores
from tasks.common.run import say, score, write_config, write_json, write_report
from tasks.common.stopping import StoppedError
from tasks.common.task import Task
from tasks.common.trainer import build_trainer, work_exactly


def evaluate(config: DictConfig) -> dict[str, float]:
    """Scores a checkpoint, or imported weights, on a task's validation data.

    Args:
        config: The composed ``configs/eval.yaml``.
    """
    config, weights, source = _stored_network(config)
    results = claim_scores(config, reads=[source])
    folder = results.folder
    take_cores(config)
    data: DataModule = build(config.data)
    seed_everything(config.seed, verbose=False)
    task, lines = _restore(config, weights, source)
    prepare(data, results)
    lines += task.cautions(data)
    pictures = ValidationPictures(folder / "pictures", **config.pictures)
    trainer = build_trainer(config.trainer, folder=folder, callbacks=[pictures])
    check_validation(data, config.trainer)  # now, or a mistake would cost earlier results
    results.make_way()
    write_config(folder, config)
    metrics = score(task, data, trainer, folder=folder, precision=config.trainer.precision)
    say([*lines, *data.report_lines()])
    write_report(folder, [*lines, *data.report_lines()])
    write_json(folder / "metrics.json", metrics)
    say_files(folder)
    return metrics


def predict(config: DictConfig) -> list[dict[str, Any]]:
    """Predicts on photos, draws them and writes ``predictions.json``.

    Args:
        config: The composed ``configs/predict.yaml``.

    Raises:
        InputError: After all others are done, if photos could not be read.
    """
    results = claim_output(config, reads=[config.checkpoint, config.init])
    folder = results.folder
    paths = results.photos(config.input)
    config, weights, source = _stored_network(config)
    take_cores(config)
    data: DataModule = build(config.data)
    task, _ = _restore(config, weights, source)
    task.heat_maps = bool(config.get("heat_map"))  # a demo without any lacks the setting
    if task.heat_maps and not task.has_heat_maps:
        raise InputError("heat_map=true: only classifiers have heat maps. Leave it out")
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
    if writer.errors and config.data.on_bad_image == "error":
        raise InputError(
            f"{len(writer.errors)} of {len(paths)} photos could not be read; the others are done. "
            "data.on_bad_image=skip accepts that.\n" + "\n".join(writer.errors)
        )
    report = [f"{len(writer.entries)} of {len(paths)} photos done"]
    report += [f"  1 photo skipped: {error}" for error in writer.errors]
    say(report)
    write_report(folder, report)
    say_files(folder)
    return writer.entries


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


def _stored_network(config: DictConfig) -> tuple[DictConfig, Weights, Path]:
    """The settings and weights that ``checkpoint=`` or ``init=`` name."""
    if bool(config.checkpoint) == bool(config.init):
        raise InputError(
            "Give either checkpoint=FILE, from a run, or task=TASK init=FILE, with imported weights"
        )
    if config.init:
        if not config.get("task"):
            raise InputError("init=FILE needs a task, such as task=ssd_coco")
        source = Path(str(config.init))
        weights = read_weights(source)
    else:
        source = Path(str(config.checkpoint))
        values, choices = _settings(source)
        weights = read_weights(source)
        hydra = HydraConfig.get()
        config = recompose(
            str(hydra.job.config_name),
            saved=values,
            choices=choices,
            overrides=list(hydra.overrides.task),
        )
    check_options(config)
    settle(config, weights, source=source)
    return config, weights, source


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
