"""From YAML to objects, of an allowlist."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError

OWN_PACKAGES = ("backbone", "heads", "tasks")


LIBRARY_TARGETS = frozenset(
    {
        "lightning.pytorch.Trainer",
        "lightning.pytorch.loggers.MLFlowLogger",
        "lightning.pytorch.loggers.TensorBoardLogger",
        "lightning.pytorch.loggers.WandbLogger",
        "lightning.pytorch.strategies.DDPStrategy",
        "timm.optim.RMSpropTF",
        "torch.optim.AdamW",
        "torch.optim.SGD",
    }
)


def build(config: DictConfig, **kwargs: Any) -> Any:
    """Instantiates a config whose every target is on the allowlist.

    Hydra itself would call anything that can be imported, unpickling included.

    Args:
        config: Has a ``_target_``.
        **kwargs: Further arguments, which may be objects.

    Raises:
        InputError: If a target is not allowed, or its arguments are wrong.
    """
    check_targets(config)
    if own := kwargs.keys() & config.keys():
        names = ", ".join(sorted(own))
        raise InputError(
            f"{names}: what {config['_target_']} gets as that is made of other settings, so that "
            "another value would change nothing. Leave it out"
        )
    try:
        return instantiate(config, **kwargs)
    except hydra.errors.InstantiationException as error:
        # what a library says of its arguments is for the user; from our own classes it is a bug
        if config["_target_"] in LIBRARY_TARGETS and isinstance(error.__cause__, Exception):
            raise InputError(f"{config['_target_']}: {error.__cause__}") from error
        raise


def check_targets(config: DictConfig) -> None:
    """Refuses a config with a target that is not on the allowlist."""
    for target in targets_in(OmegaConf.to_container(config, resolve=False)):
        _check_target(target)


def targets_in(value: Any) -> Iterator[str]:
    """Every target in plain values, however deep."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield value["_target_"]
        for child in value.values():
            yield from targets_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from targets_in(child)


def _check_target(target: str) -> None:
    """Own targets must be defined in the module they are named after.

    Otherwise ``tasks.common.data.module.os.system`` would pass for one of ours.
    """
    if target in LIBRARY_TARGETS:
        return
    module, _, name = str(target).rpartition(".")
    if module.split(".")[0] in OWN_PACKAGES:
        found = _find(module, name)
        if found is None:
            raise InputError(f"_target_={target}: there is no such thing in this project")
        if getattr(found, "__module__", None) == module:
            return
    raise InputError(
        f"_target_={target} is not allowed. Allowed is what {', '.join(OWN_PACKAGES)} define, and "
        f"{', '.join(sorted(LIBRARY_TARGETS))}"
    )


def _find(module: str, name: str) -> Any:
    """What a module of ours calls so, or None."""
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] in OWN_PACKAGES:
            return None
        raise  # the installation lacks a package
