"""Refuses, before a run begins, what its data are too few or too small for."""

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.data.module import DataModule
from tasks.common.training.task import Task
from tasks.common.training.trainer_settings import num_processes


def check_data(task: Task, data: DataModule, trainer: DictConfig) -> None:
    """All that a training asks of its data.

    Raises:
        InputError: At the first that they lack.
    """
    check_batches(task, data, trainer)
    check_validation(data, trainer)
    check_sides(task, data)
    check_interval(data, trainer)


def check_validation(data: DataModule, trainer: DictConfig) -> None:
    """Reads what is said of the validation photos, and refuses fewer than processes."""
    photos, processes = len(data.val_set), num_processes(trainer)  # type: ignore[arg-type]
    if photos < processes:
        raise InputError(
            f"{photos} validation photos for {processes} processes: give more photos, or "
            f"trainer.devices={photos or 1} or fewer"
        )


def check_batches(task: Task, data: DataModule, trainer: DictConfig) -> None:
    """Refuses training batches of one image, over which batch norm has no statistics."""
    processes = num_processes(trainer)
    images = min(data.batch_size, len(data.train_set) // processes)  # type: ignore[arg-type]
    if images < 2 and not (task.freeze_batch_norm or task.freeze_backbone):
        each = f" for each of {processes} processes" if processes > 1 else ""
        raise InputError(
            f"A training batch of {images} image{each}: batch norm needs at least two. Give more "
            "photos, data.batch_size=2 or more, or task.freeze_batch_norm=true"
        )


def check_sides(task: Task, data: DataModule) -> None:
    """Refuses photos too small for the network: at first they may be smaller than its input."""
    smallest, needed = min(data.train_sides), task.backbone.min_side
    if smallest < needed:
        raise InputError(
            f"data.resolution.start={smallest}: backbone {task.backbone.name} needs at least "
            f"{needed} pixels"
        )


def check_interval(data: DataModule, trainer: DictConfig) -> None:
    """Refuses validations that would never come, as Lightning does when the run has begun."""
    every = trainer.val_check_interval
    if not isinstance(every, int) or trainer.check_val_every_n_epoch is None:
        return
    batches = len(data.train_dataloader())
    if every > batches:
        raise InputError(
            f"trainer.val_check_interval={every}: an epoch has {batches} batches. Give fewer, or "
            "trainer.check_val_every_n_epoch=null too, to count over epochs"
        )
