"""Figures as they are reported."""

import logging
from pathlib import Path

from lightning.pytorch import Trainer

from tasks.common.data.module import DataModule
from tasks.common.networks.cost import task_cost
from tasks.common.training.lightning_task import LightningTask
from tasks.common.training.task import Task
from tasks.common.training.trainer import work_exactly

logger = logging.getLogger(__name__)


def score(
    task: Task, data: DataModule, trainer: Trainer, *, folder: Path, precision: str
) -> dict[str, float]:
    """Validates as figures are reported, and writes the predictions.

    That is with the metric's reference implementation, and exactly as ``precision``, the trainer's
    setting, allows.
    """
    task.report_exactly = True
    work_exactly(trainer, precision=precision)
    trainer.validate(LightningTask(task, data), verbose=False)
    if trainer.is_global_zero:
        task.measured.save(folder)
    logger.info("%s", task.summary(data))
    cost = task_cost(task)
    metrics = {
        name: float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("val/")
    }
    return metrics | {"num_params": cost.params, "mult_adds": cost.mult_adds}
