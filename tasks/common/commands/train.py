"""Training, a list to read aloud."""

import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_class
from lightning.pytorch import seed_everything
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig, OmegaConf

from backbone.description import lineage
from backbone.errors import InputError, check_choice
from backbone.weights import read_checkpoint, read_weights
from tasks.common.commands.batch_checks import (
    check_batches,
    check_interval,
    check_sides,
    check_validation,
)
from tasks.common.commands.recording import say, write_config, write_json, write_report
from tasks.common.commands.run_folder import Results, claim_run, prepare
from tasks.common.commands.scoring import score
from tasks.common.commands.summary import REPORTS, close, put_in_reported
from tasks.common.data.module import DataModule
from tasks.common.machine.cores import take_cores
from tasks.common.networks.building import build_task
from tasks.common.networks.folding import unfold_batch_norm
from tasks.common.networks.loading import load_weights, report_lines
from tasks.common.networks.settling import check_options, settle
from tasks.common.settings.differences import differences
from tasks.common.settings.recompose import plain
from tasks.common.settings.targets import build
from tasks.common.training.batch_norm_statistics import averages
from tasks.common.training.checkpoints import Checkpoints
from tasks.common.training.curve import CurveLogger
from tasks.common.training.pictures import ValidationPictures
from tasks.common.training.progress import Throughput
from tasks.common.training.random_state import RandomState
from tasks.common.training.task import DivergedError, Task
from tasks.common.training.teacher import Teacher
from tasks.common.training.trainer import build_trainer

# Settings that a run may change when it is resumed, by what they begin with.
OF_ONE_PART = ("resume:", "run_dir:", "overwrite:", "init:", "report:", "trainer.max_")

logger = logging.getLogger(__name__)


def train(config: DictConfig) -> dict[str, float]:
    """Trains a task and evaluates the result.

    Args:
        config: The composed ``configs/train.yaml``.

    Returns:
        What ``metrics.json`` says.
    """
    check_options(config)
    check_choice("init_classes", config.init_classes, allowed=("keep", "new"))
    check_choice("report", config.report, allowed=REPORTS)
    results = claim_run(config, reads=_files_needed(config), resumed=config.resume)
    folder = results.folder
    resume = _checkpoint_to_resume(config, folder)
    report: list[str] = []

    source = Path(str(config.init)) if config.init and not resume else None
    weights = read_weights(source) if source else None
    if weights and source:
        settle(config, weights, source=source)
    elif resume:
        settle(config, read_weights(resume), source=resume)
    take_cores(config)
    data: DataModule = build(config.data)
    for part, named in teacher_settings(config).items():
        data.of(part).taught = bool(named)
    seed_everything(config.seed, verbose=False)
    prepare(data, results)
    task = build_task(config, label_map=data.label_map, image_size=data.image_size)
    check_batches(task, data, config.trainer)
    check_validation(data, config.trainer)
    check_sides(task, data)
    check_interval(data, config.trainer)
    for part in teacher_settings(config):
        task.of(part).teacher = build_teacher(config, data.of(part), part=part)
    if weights and source:
        new_classes = config.init_classes == "new"
        loaded = load_weights(task, weights, source=source, new_classes=new_classes)
        report += report_lines(loaded, source=source, description=weights.description)
        if weights.description.get("batch_norm_folded"):
            unfold_batch_norm(task, loaded, data)
    if resume:
        task.trained_on = lineage(read_checkpoint(resume)["description"])
    else:
        before = lineage(weights.description) if weights else []
        task.trained_on = _lineage(task, before, parts=teacher_settings(config))
    report += task.cautions(data)
    say([*report, *data.report_lines()])

    throughput = Throughput()
    checkpoints = Checkpoints(
        folder=folder / "checkpoints",
        monitor=task.monitor,
        every_steps=config.checkpoint_every_steps,
    )
    # the rows of an earlier run that is to be replaced are not this one's
    goes_on = resume and not results.earlier
    first_step = read_checkpoint(resume)["global_step"] if resume and goes_on else 0
    curve = CurveLogger(folder / "metrics.csv", first_step=first_step)
    trainer = build_trainer(
        config.trainer,
        folder=folder,
        callbacks=[
            RandomState(),
            *averages(decay=config.ema_decay, momentum=config.batch_norm_momentum),
            ValidationPictures(folder / "pictures", **config.pictures),
            throughput,
            checkpoints,
        ],
        loggers=[curve, TensorBoardLogger(folder, name="", version="tensorboard")],
    )
    _record(task, config, results, resume=resume)
    started = time.monotonic()
    try:
        trainer.fit(task, datamodule=data, ckpt_path=resume, weights_only=True)
    except DivergedError as error:
        said = {"ids": error.ids, "files": error.files, "losses": error.losses}
        write_json(folder / "diverged.json", said)
        raise
    except InputError:
        if not (
            resume or trainer.global_step
        ):  # corrected, the same command is to be no second run
            results.take_back()
        raise
    finally:
        write_report(folder, [*report, *data.report_lines()])

    seconds, speed = time.monotonic() - started, throughput.images_per_second
    chosen = put_in_reported(task, trainer, checkpoints, report=config.report)
    metrics = score(task, data, trainer, folder=folder, precision=config.trainer.precision)
    metrics |= {"train/images_per_second": speed, **chosen.metrics()}
    write_json(folder / "metrics.json", metrics)
    close(task, trainer, folder, chosen, seconds=seconds, images_per_second=speed)
    return metrics


def _checkpoint_to_resume(config: DictConfig, folder: Path) -> Path | None:
    if not config.resume:
        return None
    last = folder / "checkpoints" / "last.ckpt"
    path = last if config.resume == "last" else Path(str(config.resume))
    if not path.is_file():
        raise InputError(
            f"resume={config.resume}: there is no {path}. Give the run_dir= of the run to go on "
            "with, or a checkpoint file."
        )
    missing = {"config", "global_step", "loops", "optimizer_states"} - read_checkpoint(path).keys()
    if missing:
        raise InputError(f"{path} is no checkpoint to resume from: it lacks {', '.join(missing)}")
    return path


def _files_needed(config: DictConfig) -> list[object]:
    """The files that a run reads, which it must not replace."""
    teachers = [
        OmegaConf.select(each, "file") for each in teacher_settings(config).values() if each
    ]
    return [config.init, config.resume, *teachers]


def _record(task: Task, config: DictConfig, results: Results, *, resume: Path | None) -> None:
    """Writes the settings that are in force, and says what changed since the checkpoint."""
    for key, value in task.backbone.settings.items():
        config.backbone[key] = value
    config.data.image_size = task.image_size
    task.config = {"values": plain(config), "choices": dict(HydraConfig.get().runtime.choices)}
    if resume:
        then = read_checkpoint(resume)["config"]["values"]
        for line in differences(plain(config), then):
            if line.startswith("optim."):
                raise InputError(
                    f"{line}. A resumed run keeps its optimiser: give the setting as it was, or "
                    f"start a new run with init={resume}"
                )
            if not line.startswith(OF_ONE_PART):
                logger.warning("Changed since the checkpoint: %s", line)
    results.make_way()
    write_config(results.folder, config)


def teacher_settings(config: DictConfig) -> dict[str, DictConfig | None]:
    """The settings of each part's teacher, null for none; one task is one part without a name."""
    if "taught" not in config.task:
        return {"": config.get("teacher")}
    named = config.get("teachers") or {}
    every: dict[str, DictConfig | None] = {part: named.get(part) for part in config.task.parts}
    return every | {config.task.taught: config.get("teacher")}


def build_teacher(config: DictConfig, data: DataModule, *, part: str = "") -> Teacher | None:
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
        choices = HydraConfig.get().runtime.choices
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


def _lineage(task: Task, before: Sequence[str], *, parts: Iterable[str]) -> list[str]:
    """What the weights will have learned from: photos, or teachers that have."""
    teachers = [task.of(part).teacher for part in parts]
    taught = [name for teacher in teachers if teacher for name in teacher.trained_on]
    choices = HydraConfig.get().runtime.choices
    several = [choice for group, choice in choices.items() if group.startswith("data@")]
    return list(dict.fromkeys([*before, *taught, *(several or [choices["data"]])]))
