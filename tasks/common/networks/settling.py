"""What settings a file of weights decides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from hydra.errors import HydraException
from hydra.utils import get_class, get_object
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from backbone.errors import InputError
from heads.head import Head
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.settings.composing import compose
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import check_targets
from tasks.common.training.task import Task


def settled(config: DictConfig, checkpoint: Checkpoint) -> DictConfig:
    """A config with what the weights depend on taken over; a setting that is null is free.

    The image size belongs to the head: weights for another head leave it free too, and so does a
    head that takes any size.

    Raises:
        InputError: If a setting that was given contradicts the file.
    """
    check_targets(config)
    config = config.copy()
    source = checkpoint.path
    backbone = dict(checkpoint.description.get("backbone", {}))
    name = backbone.pop("name", None)
    wanted: Any = get_class(config.backbone["_target_"])
    if name not in (wanted.name, *wanted.also_loads):
        raise InputError(f"init={source} is for the backbone {name}, not {wanted.name}")
    for key, value in backbone.items():
        _settle(config.backbone, key, value, path=f"backbone.{key}", source=source)
    if "pretrained" in config.backbone:
        config.backbone.pretrained = None  # its weights are all in the file
    head: Any = get_class(config.head["_target_"])
    resized = head.takes_any_size and config.data.image_size is not None
    if is_for_head(checkpoint, head.name) and not resized:
        size = checkpoint.description["image_size"]
        _settle(config.data, "image_size", size, path="data.image_size", source=source)
    return config


def check_options(config: DictConfig, choices: Mapping[str, str | None]) -> None:
    """Refuses a teacher in the place of the network, and a head or data that do not fit the task.

    Raises:
        InputError: Says what fits.
    """
    if choices.get("model") == "teacher":
        raise InputError(
            "model=teacher: that is for tools/eval.py and tools/predict.py, with neither "
            "checkpoint= nor init="
        )
    check_head(config, choices)
    check_data_fits(config, choices)


def check_data_fits(config: DictConfig, choices: Mapping[str, str | None]) -> None:
    """Refuses data of another task.

    Raises:
        InputError: Listing the data that fit.
    """
    check_targets(config)
    wanted = data_type(get_class(config.task["_target_"]))
    if not _is_a(config.data, wanted):
        task = choices["task"]
        names = sorted(path.stem for path in (CONFIGS / "data").glob("*.yaml"))
        fitting = [name for name in names if _is_a(_data_of(task, name), wanted)]
        raise InputError(
            f"data={choices.get('data')} does not fit task={task}, which takes {', '.join(fitting)}"
        )


def data_type(task: type) -> type:
    """The data that a class of tasks takes, as it says where it names what it is made of."""
    bases = [base for kind in task.__mro__ for base in vars(kind).get("__orig_bases__", ())]
    named = [base for base in bases if get_origin(base) is Task]
    return get_args(named[0])[0] if named else object


def _data_of(task: str | None, name: str) -> DictConfig | None:
    try:
        data: DictConfig | None = compose("train", [f"task={task}", f"data={name}"]).data
    except (HydraException, OmegaConfBaseException):  # of options that are not there for each task
        return None
    return data


def check_head(config: DictConfig, choices: Mapping[str, str | None]) -> None:
    """Refuses a head that learns from or predicts other things than the task has.

    Raises:
        InputError: Listing the heads that fit.
    """
    check_targets(config)
    wanted: type[Head] = get_class(config.task["_target_"]).head_type  # type: ignore[attr-defined]
    if not _is_a(config.head, wanted):
        heads = sorted(path.stem for path in (CONFIGS / "head").glob("*.yaml"))
        fitting = [name for name in heads if _is_a(compose("eval", [f"head={name}"]).head, wanted)]
        raise InputError(
            f"head={choices['head']} does not fit task={choices['task']}, which takes "
            f"{', '.join(fitting)}"
        )


def _is_a(config: DictConfig | None, wanted: type) -> bool:
    found = get_object(config["_target_"]) if config else None
    return isinstance(found, type) and issubclass(found, wanted)


def _settle(config: DictConfig, key: str, value: Any, *, path: str, source: Path) -> None:
    if key not in config:
        raise InputError(f"init={source} has a setting {path}, which there is not")
    if config.get(key) is None:
        config[key] = value
    elif config[key] != value:
        raise InputError(
            f"{path}={config[key]} contradicts init={source}, which was made with {value}. "
            f"Leave {path} out, or choose other weights."
        )


def is_for_head(checkpoint: Checkpoint, name: str) -> bool:
    """Whether it holds a head of that name."""
    return checkpoint.description.get("head", {}).get("name") == name
