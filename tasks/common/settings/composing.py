"""Composes our configs, whatever Hydra application this is called in, or in none."""

import functools
from collections.abc import Sequence

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from omegaconf import DictConfig

from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.writing import settings_in


def compose(
    config_name: str, overrides: Sequence[str] = (), *, hydra_too: bool = False
) -> DictConfig:
    """The config of that name with these overrides.

    Args:
        config_name: Of a file in ``configs/``.
        overrides: As on the command line.
        hydra_too: With Hydra's own settings as ``hydra``.

    Raises:
        HydraException: If there is no such config.
    """
    check_task_named(config_name, overrides)
    application = GlobalHydra.instance()
    others = application.hydra
    try:
        application.hydra = None
        application.hydra = _own_hydra()
        return hydra.compose(config_name, list(overrides), return_hydra_config=hydra_too)
    finally:
        application.hydra = others


def check_task_named(config_name: str, overrides: Sequence[str]) -> None:
    """Refuses an option that is another thing for each task where no task is named.

    Hydra ends with an assertion there.

    Raises:
        HydraException: With the option, and how to name a task.
    """
    if not _leaves_task_out(config_name):
        return
    chosen = settings_in(overrides)
    if chosen.get("task") or chosen.get("experiment"):
        return
    for group, option in chosen.items():
        if _is_of_task(group, option):
            if checkpoint := chosen.get("checkpoint"):  # which would have named it
                raise ConfigCompositionException(
                    f"checkpoint={checkpoint} is missing, damaged or not ours"
                )
            raise ConfigCompositionException(
                f"{group}={option} is another for each task: give "
                f"{_ways_to_a_task(config_name)} too"
            )


@functools.cache
def _leaves_task_out(config_name: str) -> bool:
    """Whether a command has no task, or none that Hydra itself asks for, unless one is named."""
    config = yaml.safe_load((CONFIGS / f"{config_name}.yaml").read_text(encoding="utf-8"))
    return {"task": None} in config.get("defaults", [])


def _is_of_task(group: str, option: str) -> bool:
    file = CONFIGS / group / f"{option}.yaml"
    return "." not in group and file.is_file() and "${task}" in file.read_text(encoding="utf-8")


def _ways_to_a_task(config_name: str) -> str:
    config = yaml.safe_load((CONFIGS / f"{config_name}.yaml").read_text(encoding="utf-8"))
    tasks = "|".join(sorted(path.stem for path in (CONFIGS / "task").glob("*.yaml")))
    return f"{'checkpoint=FILE or ' * ('checkpoint' in config)}task={tasks}"


@functools.cache
def _own_hydra() -> hydra._internal.hydra.Hydra:
    hydra.initialize_config_dir(str(CONFIGS), version_base="1.3")
    made = GlobalHydra.instance().hydra
    assert made is not None
    return made
