"""Both heads from one pass beside two networks, measured in one run."""

import copy
from typing import Any, cast

import torch
from omegaconf import DictConfig
from torch import Tensor

from backbone.errors import InputError
from tasks.common.data.labels import joint_labels
from tasks.common.machine.computing import Computing
from tasks.common.machine.hardware import prediction_precisions
from tasks.common.machine.timing import Row, median_seconds, speed_row
from tasks.common.multitask.task import MultitaskTask
from tasks.common.networks.building import build_task
from tasks.common.networks.folding import fix_weights
from tasks.common.training.task import Task
from tasks.face_attributes.faces import attribute_map
from tasks.face_attributes.fairface import ATTRIBUTES
from tasks.multitask_faces.data import FacesData

GOAL = 1.67  # at most 60% of the time


def bench(config: DictConfig) -> list[Row]:
    """Measures prediction, on a batch and on one photo.

    Args:
        config: The composed ``configs/bench.yaml``.

    Raises:
        InputError: If ``parts`` has nothing that is measured here.
    """
    if "predict" not in config.parts:
        raise InputError(f"parts={config.parts}: of several heads, predict is what is measured")
    return [
        _row(config, count, precision)
        for precision in prediction_precisions()
        for count in (config.batch_size, 1)
    ]


@torch.no_grad()
def _row(config: DictConfig, count: int, precision: str) -> Row:
    """Attributes and embeddings of the same faces, as ``tools/predict.py`` computes them."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    side = config.data.image_size or FacesData.default_image_size
    labels = joint_labels({"attributes": ATTRIBUTES, "embedding": attribute_map(())})
    task = cast(MultitaskTask, build_task(config, label_map=labels, image_size=side))
    alone = [copy.deepcopy(part) for part in task.parts.values()]  # with backbones of their own
    for network in (task, *alone):
        fix_weights(network.to(device).eval(), precision=precision)
    generator = torch.Generator().manual_seed(config.seed)
    shape = count, side, side, 3
    photos = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    batch = {"image": photos.permute(0, 3, 1, 2).to(device)}

    def predict(network: Task) -> Any:
        with Computing(device, precision).autocast():
            return network.predictions(batch)

    def both() -> list[Tensor]:
        return [predict(network) for network in alone]

    seconds = median_seconds(
        {"ours": lambda: predict(task), "theirs": both}, seconds=config.seconds
    )
    return speed_row(
        "predict, attributes and embedding",
        ours=seconds["ours"],
        peer=seconds["theirs"],
        unit="faces/s",
        count=count,
        goal=GOAL,
        note=f"batch {count}, {side} pixels, {precision}; two networks of one head each",
    )
