"""Help for those who ask for it, and for those who misspelt something."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from tasks.common.config import CONFIGS

HYDRA_HINT = "Set the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace."
HYDRA_PATHS = re.compile(r"Config search path:\n(\s+provider=.*\n?)+")


def usage(description: str, config_name: str, arguments: Sequence[str]) -> str:
    """What ``--help`` prints: the command, its options and its settings with their comments.

    Args:
        description: Of the command.
        config_name: Its primary config.
        arguments: Of the command line; with a task among them, all of its settings follow.
    """
    text = (CONFIGS / f"{config_name}.yaml").read_text(encoding="utf-8")
    settings = text.partition("\n\n")[2]
    groups = _groups(config_name)
    options = [f"  {group}={'|'.join(_options(group))}" for group in groups]
    parts = [description.strip(), "", "Arguments are key=value.", ""]
    if options:
        parts += ["Options:", *options, ""]
    parts += ["Settings:", "", settings.strip() or "  none"]
    overrides = [argument for argument in arguments if "=" in argument]
    if any(override.startswith("task=") for override in overrides):
        config = _compose(config_name, overrides)
        if config is not None:
            parts += ["", "In force with these options:", "", OmegaConf.to_yaml(config).strip()]
    elif groups:
        parts += ["", "With task=TASK --help shows all settings in force."]
    return "\n".join(parts) + "\n"


def _groups(config_name: str) -> list[str]:
    """What a command chooses options from, in the order of its defaults and of those they name."""
    found: list[str] = []
    config = OmegaConf.load(CONFIGS / f"{config_name}.yaml")
    for entry in OmegaConf.select(config, "defaults"):
        if isinstance(entry, DictConfig):
            found += [str(key).removeprefix("override ") for key in entry]
        elif entry != "_self_":
            found += _groups(entry)
    return [group for group in dict.fromkeys(found) if "/" not in group]


def explain(message: str, config_name: str, overrides: Sequence[str]) -> str:
    """Hydra's message about a command line, with the settings that there are if one is misspelt."""
    message = HYDRA_PATHS.sub("", message.replace(HYDRA_HINT, "")).strip()
    misspelt = re.search(r"Could not override '([^']+)'", message)
    if misspelt is None:
        return f"error: {message}"
    key = misspelt[1]
    others = [given for given in overrides if given.lstrip("+~").partition("=")[0] != key]
    config = _compose(config_name, others)
    if config is None:  # another override is wrong too: one mistake at a time
        return f"error: {message}"
    if _lacks_task(key, config_name, config):
        if config.get("checkpoint"):
            return f"error: checkpoint={config.checkpoint} is missing, damaged or not ours"
        ways = "checkpoint=FILE or " if "checkpoint" in config else ""
        return f"error: {key} belongs to a task: give {ways}task={'|'.join(_options('task'))} too"
    parent, _, name = key.rpartition(".")
    section: Any = OmegaConf.select(config, parent) if parent else config
    if not isinstance(section, DictConfig):
        parent, name, section = "", key.partition(".")[0], config
    settings = sorted(map(str, section))
    near = difflib.get_close_matches(name, settings, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return (
        f"error: There is no setting {key}.{hint}\nSettings{' of ' + parent if parent else ''}: "
        f"{', '.join(settings)}"
    )


def _lacks_task(key: str, config_name: str, config: DictConfig) -> bool:
    """Whether a setting is of a group whose option is left to a task, and there is no task."""
    group = key.partition(".")[0]
    return group in _groups(config_name) and not config.get(group) and not config.get("task")


def _options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def _compose(config_name: str, overrides: Sequence[str]) -> DictConfig | None:
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
            return hydra.compose(config_name, overrides=list(overrides))
    except Exception:
        return None
