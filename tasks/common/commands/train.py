"""Training, a list to read aloud."""

import time
from pathlib import Path

from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig

from backbone.errors import InputError, check_choice, check_flag
from tasks.common.commands.batch_checks import check_data
from tasks.common.commands.recording import (
    check_changes,
    in_force,
    say,
    write_config,
    write_json,
    write_report,
)
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import Results, claim_run, draw_data
from tasks.common.commands.scoring import score
from tasks.common.commands.start import Start
from tasks.common.commands.summary import REPORTS, close, put_in_reported
from tasks.common.data.module import DataModule
from tasks.common.distillation.attaching import (
    attach_teachers,
    expect_teachers,
    learned_from,
    teacher_files,
)
from tasks.common.machine.cores import take_cores
from tasks.common.networks.building import build_task, check_optimizer
from tasks.common.networks.settling import check_options
from tasks.common.settings.recompose import plain_values
from tasks.common.settings.targets import build
from tasks.common.training.batch_norm_statistics import averages
from tasks.common.training.checkpoints import Checkpoints
from tasks.common.training.diverged import DivergedError
from tasks.common.training.learning_rate import find_rate
from tasks.common.training.lightning_task import LightningTask
from tasks.common.training.patience import Patience
from tasks.common.training.random_state import RandomState
from tasks.common.training.rounding import RoundedTraining
from tasks.common.training.task import Task
from tasks.common.training.trainer import build_trainer
from tasks.common.training.watching.curve import CurveLogger
from tasks.common.training.watching.loggers import build_loggers
from tasks.common.training.watching.pictures import validation_pictures
from tasks.common.training.watching.progress import Throughput


def train(request: Request) -> dict[str, float]:
    """Trains a task and evaluates the result.

    Args:
        request: Of ``configs/train.yaml``.

    Returns:
        What ``metrics.json`` says.
    """
    return train_in(claim_folder(request), request)


def claim_folder(request: Request) -> Results:
    """The run folder of a training, once its settings are found fit to be tried.

    Raises:
        InputError: If they are not, or another run is there.
    """
    config = request.config
    check_options(config, request.choices)
    check_choice("init_classes", config.init_classes, allowed=("keep", "new"))
    check_choice("report", config.report, allowed=REPORTS)
    check_flag("quantise", config.quantise)
    if config.quantise and config.task.get("compile"):
        raise InputError("quantise=true does not go with task.compile=true: leave one out")
    reads = [config.init, config.resume, *teacher_files(config)]
    return claim_run(request, reads=reads, resumed=config.resume)


def train_in(results: Results, request: Request) -> dict[str, float]:
    """Trains a task in a run folder; see ``train``."""
    folder = results.folder
    start = Start.of(request.config, folder)
    config = start.settled(request.config)
    take_cores(config)
    data: DataModule = build(config.data)
    expect_teachers(data, config)
    seed_everything(config.seed, verbose=False)
    draw_data(data, results)
    task = build_task(config, label_map=data.label_map, image_size=data.image_size)
    check_optimizer(task.optimizer)
    attach_teachers(task, data, config, request.choices)
    check_data(task, data, config.trainer)
    report = start.load_into(task, data, new_classes=config.init_classes == "new")
    task.trained_on = (
        start.trained_on
        if start.resume
        else learned_from(task, start.trained_on, config, request.choices)
    )
    config = with_rate(config, task, data, start)
    report += task.cautions(data)
    say([*report, *data.report_lines()])

    throughput, checkpoints = Throughput(), checkpoints_of(task, config, folder)
    trainer = build_trainer(
        config.trainer,
        folder=folder,
        callbacks=[*run_callbacks(task, config, folder), throughput, checkpoints],
        loggers=run_loggers(config, folder, goes_on=None if results.earlier else start),
        resumed=start.resume.state if start.resume else None,
    )
    config = in_force(config, task, folder)
    if start.resume:
        check_changes(config, start.resume)
    task.config = {"values": plain_values(config), "choices": dict(request.choices)}
    results.make_way()
    write_config(folder, config)
    try:
        seconds = fit(trainer, task, data, start=start, results=results)
    finally:
        write_report(folder, [*report, *data.report_lines()])

    chosen = put_in_reported(task, trainer, checkpoints, report=config.report)
    metrics = score(task, data, trainer, folder=folder, precision=config.trainer.precision)
    speed = throughput.images_per_second
    metrics |= {"train/images_per_second": speed, "train/minutes": seconds / 60}
    metrics |= chosen.metrics()
    write_json(folder / "metrics.json", metrics)
    close(task, trainer, folder, chosen, seconds=seconds, images_per_second=speed)
    return metrics


def with_rate(config: DictConfig, task: Task, data: DataModule, start: Start) -> DictConfig:
    """The settings with the learning rate that a search finds, if one is asked for.

    A run that goes on has the one that it began with.
    """
    if not config.trainer.find_lr:
        return config
    if start.resume:
        config.optim.lr = start.resume.values["optim"]["lr"]
    else:
        config.optim.lr = find_rate(task, data, config.trainer)
    task.optimizer = build(config.optim)
    return config


def checkpoints_of(task: Task, config: DictConfig, folder: Path) -> Checkpoints:
    """What keeps the last and the best weights of a run."""
    return Checkpoints(
        folder=folder / "checkpoints",
        monitor=task.monitor,
        every_steps=config.checkpoint_every_steps,
    )


def run_callbacks(task: Task, config: DictConfig, folder: Path) -> list[Callback]:
    """What goes on around the steps of every training."""
    validations = config.trainer.patience
    patience = [Patience(monitor=task.monitor, validations=validations)] if validations else []
    return [
        *patience,
        RandomState(),
        *([RoundedTraining()] if config.quantise else []),
        *averages(decay=config.ema_decay, momentum=config.batch_norm_momentum),
        *validation_pictures(folder, config.pictures),
    ]


def run_loggers(config: DictConfig, folder: Path, *, goes_on: Start | None) -> list[Logger]:
    """Where the curve of a run goes.

    Args:
        config: Of the run.
        folder: Of the run.
        goes_on: What it starts from; None if the rows in the folder are of a run that is replaced.
    """
    resume = goes_on.resume if goes_on else None
    first_step = resume.global_step if resume else 0
    curve = CurveLogger(folder / "metrics.csv", first_step=first_step)
    return [curve, *build_loggers(config, folder)]


def fit(trainer: Trainer, task: Task, data: DataModule, *, start: Start, results: Results) -> float:
    """Trains to the end, and says how many seconds that took.

    A run that diverges leaves ``diverged.json``; one that is refused before its first step leaves
    nothing, so that the same command, corrected, is no second run.
    """
    resume = start.resume.path if start.resume else None
    began = time.monotonic()
    try:
        trainer.fit(LightningTask(task, data), ckpt_path=resume, weights_only=True)
    except DivergedError as error:
        said = {"ids": error.ids, "files": error.files, "losses": error.losses}
        write_json(results.folder / "diverged.json", said)
        raise
    except InputError:
        if not (resume or trainer.global_step):
            results.take_back()
        raise
    return time.monotonic() - began
