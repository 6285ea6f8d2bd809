"""From YAML to objects, and from a checkpoint back to YAML."""

import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from backbone.errors import InputError

CONFIGS = Path(__file__).parents[2] / "configs"

OWN_PACKAGES = ("backbone", "heads", "tasks")
LIBRARY_TARGETS = frozenset(
    {
        "lightning.pytorch.Trainer",
        "lightning.pytorch.strategies.DDPStrategy",
        "timm.optim.RMSpropTF",
        "torch.optim.AdamW",
        "torch.optim.SGD",
    }
)
GROUPS = ("task", "backbone", "head", "data", "optim", "schedule")


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
    for target in _targets(OmegaConf.to_container(config, resolve=False)):
        _check_target(target)


def _targets(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield value["_target_"]
        for child in value.values():
            yield from _targets(child)
    elif isinstance(value, list):
        for child in value:
            yield from _targets(child)


def _check_target(target: str) -> None:
    """Own targets must be defined in the module they are named after.

    Otherwise ``tasks.common.data.os.system`` would pass for one of ours.
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


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain values, as checkpoints keep it."""
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def missing_choices(choices: Mapping[str, Any], overrides: Sequence[str]) -> list[str]:
    """A checkpoint's choice for each group that a command line says nothing about."""
    named = dict(override.lstrip("+~").partition("=")[::2] for override in overrides)
    missing = []
    for key, choice in choices.items():
        group, at, _ = str(key).partition("@")
        # options below another option than the checkpoint's are gone with it
        replaced = at and named.get(group) not in (None, choices.get(group))
        if group in GROUPS and key not in named and not replaced and isinstance(choice, str):
            missing.append(f"{key}={choice}")
    return missing


def recompose(
    config_name: str,
    *,
    saved: Mapping[str, Any],
    choices: Mapping[str, str],
    overrides: Sequence[str],
) -> DictConfig:
    """The config of a checkpoint, made anew from our own files.

    Of the checkpoint come only the names of the options chosen and plain values for settings that
    these options have: a config found in a file is never instantiated.

    Args:
        config_name: Primary config to compose.
        saved: The checkpoint's config.
        choices: The checkpoint's option for each group.
        overrides: The user's, which win.

    Raises:
        InputError: If the checkpoint's options don't exist, or the result is inconsistent.
    """
    named = dict(override.lstrip("+~").partition("=")[::2] for override in overrides)
    chosen = missing_choices(choices, overrides)
    kept = [group for group in GROUPS if named.get(group) in (None, choices.get(group))]
    try:
        config = hydra.compose(config_name, overrides=[*chosen, *overrides])
        for group in kept:
            _copy_values(config.get(group), saved.get(group), skip=named.keys(), path=group)
    except (hydra.errors.HydraException, OmegaConfBaseException) as error:
        raise InputError(f"The checkpoint's configuration does not fit: {error}") from error
    return config


def _copy_values(config: Any, saved: Any, *, skip: Collection[str], path: str) -> None:
    """Copies plain values to settings that exist, but for targets and what the user gave."""
    if not isinstance(config, DictConfig) or not isinstance(saved, Mapping):
        return
    for key, value in saved.items():
        place = f"{path}.{key}"
        if not isinstance(key, str) or key.startswith("_") or key not in config or place in skip:
            continue
        if (
            _follows(config, key)
            or _is_interpolated(value)
            or (isinstance(value, list) and list(_targets(value)))
        ):
            continue
        if isinstance(value, Mapping):
            _copy_values(config.get(key), value, skip=skip, path=place)
        else:
            config[key] = value


def _follows(config: DictConfig, key: str) -> bool:
    """Whether a setting takes its value from one beside or above it in the same group."""
    raw = OmegaConf.to_container(config, resolve=False)[key]  # type: ignore[call-overload, index]
    return isinstance(raw, str) and "${." in raw


def _is_interpolated(value: Any) -> bool:
    """Whether a value would be looked up instead of taken, from the environment for one."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(part, str) and "${" in part for part in values)


def differences(ours: Any, theirs: Any, *, path: str = "") -> Iterator[str]:
    """Lines that name each setting in which two plain configs differ."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted(ours.keys() | theirs.keys()):
            place = f"{path}.{key}" if path else str(key)
            yield from differences(ours.get(key), theirs.get(key), path=place)
    elif ours != theirs:
        yield f"{path}: {theirs!r} in the checkpoint, {ours!r} now"
