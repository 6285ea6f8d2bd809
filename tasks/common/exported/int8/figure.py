"""What int8 costs, in the terms of the task."""

import torch

from tasks.common.data.module import DataModule
from tasks.common.training.task import Task


@torch.no_grad()
def figure(task: Task, data: DataModule) -> float:
    """The task's main figure on all validation photos, of the network or of the file it runs.

    Raises:
        InputError: If there are no validation data.
    """
    batches = data.val_dataloader()
    task.report_exactly = True
    task.prepare("validate", data)
    for batch in batches:
        task.measured.update(task.records(task.predictions(batch), batch))
    name = task.monitor.removeprefix("val/")
    return float(task.measured.compute()[name])
