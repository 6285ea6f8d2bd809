"""Help for those who ask for it, and for those who misspelt something."""

import argparse
import difflib
import re
from collections.abc import Sequence

from hydra._internal.utils import get_args_parser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tasks.common.settings.composing import compose
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.hints import hint, is_group, no_such_setting, options_of

HYDRA_HINT = "Set the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace."
HYDRA_PATHS = re.compile(r"Config search path:\n(\s+provider=.*\n?)+")


def usage(description: str, config_name: str, arguments: Sequence[str]) -> str:
    """What ``--help`` prints: the command, its options and its settings with their comments.

    Args:
        description: Of the command.
        config_name: Its primary config.
        arguments: Of the command line; with a task or a data set to prepare among them, all of its
            settings follow.
    """
    text = (CONFIGS / f"{config_name}.yaml").read_text(encoding="utf-8")
    settings = text.partition("\n\n")[2]
    groups = _groups(config_name)
    options = [f"  {group}={'|'.join(options_of(group))}" for group in groups]
    parts = [description.strip(), "", "Arguments are key=value.", ""]
    if options:
        parts += ["Options:", *options, ""]
    parts += ["Settings:", "", settings.strip() or "  none"]
    overrides = [argument for argument in arguments if "=" in argument]
    first = "task" if "task" in groups else next(iter(groups), "task")
    if any(override.startswith(f"{first}=") for override in overrides):
        config = _compose(config_name, overrides)
        if config is not None:
            parts += ["", "In force with these options:", "", OmegaConf.to_yaml(config).strip()]
    elif groups:
        parts += ["", f"With {first}={first.upper()} --help shows all settings in force."]
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
    """Hydra's message about a command line, with what was meant if a setting is misspelt."""
    message = HYDRA_PATHS.sub("", message.replace(HYDRA_HINT, "")).strip()
    if unknown := re.search(r"Could not find '(\w+)(?:@\S+)?/([^']+)'", message):
        return f"error: {_no_such_option(unknown[1], unknown[2])}"
    if double := re.search(r"An item is already at '([^']+)'", message):
        return f"error: There is a setting {double[1]}: give it without the +"
    if several := re.search(r"Multiple values for (\S+)\. To override", message):
        return f"error: {several[1]} is chosen already: give {several[1]}= without the +"
    misspelt = re.search(r"Could not override '([^']+)'", message)
    if misspelt is None:
        return f"error: {message}"
    key = misspelt[1]
    given = [override for override in overrides if _key(override) == key]
    others = [override for override in overrides if _key(override) != key]
    plain = [override for override in others if "." not in _key(override)]
    config = _compose(config_name, others) or _compose(config_name, plain)
    if config is None:  # another override is wrong too: one mistake at a time
        return f"error: {message.splitlines()[0]}"
    if _lacks_task(key, config_name, config):
        if config.get("checkpoint"):
            return f"error: checkpoint={config.checkpoint} is missing, damaged or not ours"
        ways = "checkpoint=FILE or " if "checkpoint" in config else ""
        return f"error: {key} belongs to a task: give {ways}task={'|'.join(options_of('task'))} too"
    value = given[0].partition("=")[2] if given else ""
    return f"error: {no_such_setting(key, value or None, config)}"


def correct(arguments: Sequence[str], config_name: str) -> str | None:
    """What to tell somebody whose arguments are not all ``key=value``; None if they are."""
    parser = get_args_parser()
    parser.exit_on_error = False
    try:
        known, unknown = parser.parse_known_intermixed_args(list(arguments))
    except (argparse.ArgumentError, TypeError) as error:
        return f"error: {error}"
    if apart := next((place for place, word in enumerate(known.overrides) if word[0] == "="), 0):
        key, equals, *value = known.overrides[apart - 1 : apart + 2]
        meant = key + equals + "".join(value if equals == "=" else [])
        return f"error: {key} {equals}: arguments are key=value, without blanks: {meant}"
    words = [word for word in known.overrides if "=" not in word and word[:1] != "~"]
    flags = [flag for flag in unknown if flag.startswith("-")]
    wrong = next(iter([*flags, *words]), None)
    if wrong is None:
        return _wrong_option(known.overrides, _groups(config_name))
    name, equals, value = wrong.lstrip("-").partition("=")
    if not equals and wrong.startswith("-"):
        after = arguments[list(arguments).index(wrong) + 1 :][:1]
        value = after[0] if after and after[0][:1] != "-" and "=" not in after[0] else ""
    overrides = [each for each in known.overrides if "=" in each]
    config = _compose(config_name, overrides) or _compose_any(config_name, overrides)
    said = f"error: {wrong}{' ' + value if value and not equals else ''}: arguments are key=value."
    groups = [group for group in _groups(config_name) if name in options_of(group)]
    if groups and not wrong.startswith("-"):
        return f"{said} Did you mean {groups[0]}={name}?"
    if config is None:
        return f"{said} --help lists the settings."
    key = name.replace("-", "_")
    if key in list(config):
        return f"{said} Did you mean {key}{'=' * bool(value)}{value}?"
    return f"{said}{hint(key, value or None, config) or ' --help lists the settings.'}"


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _compose_any(config_name: str, overrides: Sequence[str]) -> DictConfig | None:
    """A config with these options, or else with those of any task: most settings are of all."""
    chosen = [override for override in overrides if is_group(_key(override))]
    any_task = [f"task={options_of('task')[0]}"] if "task" in _groups(config_name) else []
    return _compose(config_name, chosen) or _compose(config_name, any_task)


def _wrong_option(overrides: Sequence[str], groups: Sequence[str]) -> str | None:
    """The message about the first choice of what there is not; Hydra has none for some of them."""
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        group = key.partition("@")[0]
        if group not in groups or override[:1] == "~" or re.search(r"[($]", value):
            continue
        for name in value.split(","):  # several in a sweep
            if not (CONFIGS / group / f"{name}.yaml").is_file():
                return f"error: {_no_such_option(group, name)}"
    return None


def _no_such_option(group: str, name: str) -> str:
    option, slash, task = name.partition("/")
    if slash:  # an option that is another thing for each task
        fitting = ", ".join(options_of(f"{group}/{option}"))
        return f"{group}={option} does not fit task={task}; it is for task={fitting}"
    options = options_of(group)
    near = difflib.get_close_matches(name, options, n=1)
    said = f" Did you mean {group}={near[0]}?" if near else ""
    if group == "model":
        said = f" A network in a file is checkpoint={name} or init={name}, its kind backbone=NAME."
    if name in ("", "null"):
        said = " Leave it out for what there is by itself."
    return f"There is no {group}={name}.{said}\nOptions of {group}: {', '.join(options)}"


def _lacks_task(key: str, config_name: str, config: DictConfig) -> bool:
    """Whether a setting is of a group whose option is left to a task, and there is no task."""
    group = key.partition(".")[0]
    return group in _groups(config_name) and not config.get(group) and not config.get("task")


def _compose(config_name: str, overrides: Sequence[str]) -> DictConfig | None:
    try:
        return compose(config_name, overrides)
    except (HydraException, OmegaConfBaseException):
        return None
