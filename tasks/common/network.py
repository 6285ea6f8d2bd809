"""Makes a task's network, from settings or from a file that says what it holds."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_class, get_object
from omegaconf import DictConfig
from torch import Tensor
from torch.optim import Optimizer

from backbone.backbone import Backbone
from backbone.batch_norm import fold, unfold
from backbone.errors import InputError
from backbone.weights import LoadReport, Weights, lineage, load_tensors, unused_names
from heads.head import Head
from tasks.common.config import CONFIGS, build, check_targets
from tasks.common.data import DataModule
from tasks.common.labels import LabelMap
from tasks.common.task import Task

CALIBRATION_IMAGES = 96
# At a time: the crops of a two-stage detector take a hundred megabytes a photo, the values before
# its batch norms in float64 twice as much, and a training batch of 32 would take gigabytes.
CALIBRATION_BATCH = 2

logger = logging.getLogger(__name__)


def settle(config: DictConfig, weights: Weights, *, source: Path) -> None:
    """Takes over what the weights depend on; a setting that is null is free.

    The image size belongs to the head: weights for another head leave it free too, and so does a
    head that takes any size.

    Raises:
        InputError: If a setting that was given contradicts the file.
    """
    check_targets(config)
    backbone = dict(weights.description.get("backbone", {}))
    name = backbone.pop("name", None)
    wanted: Any = get_class(config.backbone["_target_"])
    if name not in (wanted.name, *wanted.also_loads):
        raise InputError(f"init={source} is for the backbone {name}, not {wanted.name}")
    for key, value in backbone.items():
        _settle_one(config.backbone, key, value, path=f"backbone.{key}", source=source)
    head: Any = get_class(config.head["_target_"])
    resized = head.takes_any_size and config.data.image_size is not None
    if _is_for_head(weights, head.name) and not resized:
        size = weights.description["image_size"]
        _settle_one(config.data, "image_size", size, path="data.image_size", source=source)


def check_options(config: DictConfig) -> None:
    """Refuses a teacher in the place of the network, and a head that does not fit the task.

    Raises:
        InputError: Says what fits.
    """
    if HydraConfig.get().runtime.choices.get("model") == "teacher":
        raise InputError(
            "model=teacher: that is scored by tools/eval.py, with neither checkpoint= nor init="
        )
    check_head(config)


def check_head(config: DictConfig) -> None:
    """Refuses a head that learns from or predicts other things than the task has.

    Raises:
        InputError: Listing the heads that fit.
    """
    check_targets(config)
    wanted: type[Head] = get_class(config.task["_target_"]).head_type  # type: ignore[attr-defined]
    if not _is_a(config.head, wanted):
        choices = HydraConfig.get().runtime.choices
        heads = sorted(path.stem for path in (CONFIGS / "head").glob("*.yaml"))
        fitting = [
            name
            for name in heads
            if _is_a(hydra.compose("eval", overrides=[f"head={name}"]).head, wanted)
        ]
        raise InputError(
            f"head={choices['head']} does not fit task={choices['task']}, which takes "
            f"{', '.join(fitting)}"
        )


def _is_a(config: DictConfig | None, wanted: type) -> bool:
    found = get_object(config["_target_"]) if config else None
    return isinstance(found, type) and issubclass(found, wanted)


def _settle_one(config: DictConfig, key: str, value: Any, *, path: str, source: Path) -> None:
    if key not in config:
        raise InputError(f"init={source} has a setting {path}, which there is not")
    if config.get(key) is None:
        config[key] = value
    elif config[key] != value:
        raise InputError(
            f"{path}={config[key]} contradicts init={source}, which was made with {value}. "
            f"Leave {path} out, or choose other weights."
        )


def _is_for_head(weights: Weights, name: str) -> bool:
    return weights.description.get("head", {}).get("name") == name


def build_backbone(config: DictConfig) -> Backbone:
    """Makes a backbone; settings that are null stay at its class's defaults."""
    settings = {key: value for key, value in config.backbone.items() if value is not None}
    backbone: Backbone = build(DictConfig(settings))
    return backbone


def build_task(config: DictConfig, *, label_map: LabelMap, image_size: int) -> Task:
    """Makes a task with new weights.

    Args:
        config: With ``task``, ``backbone``, ``head``, ``optim`` and ``schedule``.
        label_map: The classes to tell apart.
        image_size: Side of the network's input in pixels.

    Raises:
        InputError: If a setting is not allowed.
    """
    optimizer = build(config.optim)
    _check_optimizer(optimizer)
    # Called here, since Hydra would turn a label map among its arguments into a config.
    task: Task = build(config.task)(
        backbone=build_backbone(config),
        head=build(config.head),
        optimizer=optimizer,
        schedule=build(config.schedule),
        label_map=label_map,
        image_size=image_size,
    )
    return task


def _check_optimizer(optimizer: Callable[..., Optimizer]) -> None:
    """Makes one on trial, since it checks its arguments only when it gets its parameters."""
    try:
        optimizer([torch.nn.Parameter(torch.zeros(1))])
    except (TypeError, ValueError) as error:
        raise InputError(f"optim: {error}") from error


def load_weights(
    task: Task, weights: Weights, *, source: Path, new_classes: bool = False
) -> LoadReport:
    """Copies weights into a task, row by row where its classes are among the file's.

    With any class that the file does not know, the class layers start anew.

    Args:
        task: That gets them.
        weights: The file's.
        source: The file, for messages.
        new_classes: The class layers start anew in any case.

    Raises:
        InputError: If the file's head works otherwise, or too little of the backbone fits.
    """
    description = weights.description
    tensors = dict(weights.tensors)
    became = LoadReport.classes
    head = {name[5:]: tensors.pop(name) for name in weights.tensors if name[:5] == "head."}
    if _is_for_head(weights, task.head.name):
        for key, value in task.head.settings().items():
            if description["head"].get(key, value) != value:
                raise InputError(
                    f"init={source} has a head with {key} {description['head'][key]}, but the "
                    f"settings ask for {value}"
                )
        saved = LabelMap.from_dict(description["label_map"])
        names = task.label_map.names
        unknown = set(names) - set(saved.names)
        classes = None if new_classes else task.label_map.places_in(saved)
        head = task.head.select_classes(head, classes)
        became = f"from the file, of the same {len(names)} names"
        if new_classes or unknown:
            why = f"the file lacks {len(unknown)} of {len(names)} names"
            became = f"start anew, {'as init_classes=new asks' if new_classes else f'since {why}'}"
        tensors |= {f"head.{name}": tensor for name, tensor in head.items()}
    report = load_tensors(task, tensors)
    report.unused = unused_names(weights.tensors, report)  # with what was left out above
    report.classes = became
    return report


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
        precision: As Lightning calls it, of the trainer that will run it.
    """
    fold(task)
    if precision == "bf16-mixed":  # autocast would convert the same weights at every call
        for layer in task.modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
                layer.to(torch.bfloat16)


def report_lines(report: LoadReport, *, source: Path, description: Mapping[str, Any]) -> list[str]:
    """What was taken from a weights file, for ``report.txt``."""
    head = description.get("head", {}).get("name", "none")
    backbone = description["backbone"]
    return [
        f"weights: {source}",
        f"  backbone: {', '.join(f'{key} {value}' for key, value in backbone.items())}",
        f"  head: {head}; image size {description['image_size']}",
        f"  trained on: {', '.join(lineage(description)) or 'nothing'}",
        *(f"  {line}" for line in report.lines()),
    ]
