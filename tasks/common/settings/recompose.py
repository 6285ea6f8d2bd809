"""From a checkpoint back to YAML."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from backbone.errors import InputError
from tasks.common.settings.composing import compose
from tasks.common.settings.targets import targets_in
from tasks.common.settings.writing import settings_in

GROUPS = ("task", "backbone", "head", "data", "optim", "schedule")


def plain_values(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain values, as checkpoints keep it."""
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def missing_choices(choices: Mapping[str, Any], overrides: Sequence[str]) -> list[str]:
    """A checkpoint's choice for each group that a command line says nothing about."""
    named = settings_in(overrides)
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
    choices: Mapping[str, str | None],
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
    named = settings_in(overrides)
    chosen = missing_choices(choices, overrides)
    kept = [group for group in GROUPS if named.get(group) in (None, choices.get(group))]
    try:
        config = compose(config_name, [*chosen, *overrides])
        for group in kept:
            _copy_values(config.get(group), saved.get(group), skip=named.keys(), path=group)
    except (HydraException, OmegaConfBaseException) as error:
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
            or (isinstance(value, list) and list(targets_in(value)))
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
