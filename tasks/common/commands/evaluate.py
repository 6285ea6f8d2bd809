"""Evaluation and prediction with a network from a file."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from lightning.pytorch import seed_everything
from omegaconf import DictConfig

from backbone.errors import InputError
from backbone.weights import Weights, read_weights
from tasks.common.commands.batch_checks import check_validation
from tasks.common.commands.recording import say, write_config, write_json, write_report
from tasks.common.commands.run_folder import claim_scores, prepare
from tasks.common.commands.scoring import score
from tasks.common.commands.summary import say_files
from tasks.common.data.module import DataModule
from tasks.common.machine.cores import take_cores
from tasks.common.networks.restoring import _restore, _settings
from tasks.common.networks.settling import check_options, settle
from tasks.common.settings.recompose import recompose
from tasks.common.settings.targets import build
from tasks.common.training.pictures import ValidationPictures
from tasks.common.training.trainer import build_trainer


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
