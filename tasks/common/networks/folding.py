"""Batch norm folded away for prediction, and measured anew for training."""

import torch
from torch import Tensor

from backbone.batch_norm import fold, unfold
from backbone.loading import LoadReport
from tasks.common.data.module import DataModule
from tasks.common.training.task import Task

CALIBRATION_IMAGES = 96


# At a time: the crops of a two-stage detector take a hundred megabytes a photo, the values before
# its batch norms in float64 twice as much, and a training batch of 32 would take gigabytes.
CALIBRATION_BATCH = 2


def unfold_batch_norm(task: Task, report: LoadReport, data: DataModule) -> None:
    """Measures the statistics that were folded away, on training photos.

    Layers that start anew keep a batch norm of their own.
    """
    loaded = {name.removesuffix(".running_mean") for name in report.loaded}
    norms = [
        layer
        for name, layer in task.named_modules()
        if isinstance(layer, torch.nn.BatchNorm2d) and name in loaded
    ]
    images: list[Tensor] = []
    for batch in data.train_dataloader():
        images += batch["image"].split(CALIBRATION_BATCH)
        if sum(map(len, images)) >= CALIBRATION_IMAGES:
            break
    unfold(lambda image: task.head.outputs(task(image)), images, norms=norms, module=task)


def fix_weights(task: Task, *, precision: str) -> None:
    """Prepares a network that will only predict: does once what each photo would do again.

    Args:
        task: In eval mode; changed in place. Count its cost and save its weights before.
        precision: That it will compute in, as Lightning calls it.
    """
    fold(task)
    if precision == "bf16-mixed":  # autocast would convert the same weights at every call
        for layer in task.modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
                layer.to(torch.bfloat16)
