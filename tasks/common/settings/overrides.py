"""Checks what the command line says of settings, before anything is done with it."""

import functools
import inspect
import types
import typing
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

from backbone.errors import InputError
from tasks.common.settings.composing import compose
from tasks.common.settings.hints import is_group, no_such_setting
from tasks.common.settings.targets import LIBRARY_TARGETS, check_targets

BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
PLAIN = (bool, int, float, str)
NULLABLE = ("ema_decay", "checkpoint_every_steps", "pictures")  # null turns these off
# What a library's class hands on to another one.
HANDED_ON = {"DDPStrategy": "torch.nn.parallel.DistributedDataParallel"}


def check_overrides(config: DictConfig, texts: Sequence[str], *, command: str) -> None:
    """Refuses settings that would be ignored, and values of another kind than a setting has.

    Args:
        config: As composed with the user's overrides.
        texts: These, as given.
        command: Name of the primary config.

    Raises:
        InputError: At the first such override.
    """
    parsed = OverridesParser.create().parse_overrides(list(texts))
    if away := next((one.key_or_group for one in parsed if one.is_delete()), None):
        raise InputError(
            f"~{away}: settings cannot be taken away. Give another value; many take null"
        )
    chosen = [text for text, one in zip(texts, parsed, strict=True) if is_group(one.key_or_group)]
    defaults = _defaults(command, tuple(chosen))
    for override in parsed:
        if not is_group(override.key_or_group) and not _is_there(defaults, override.key_or_group):
            _check_place(config, defaults, override)
    if any("_target_" in text or "searchpath" in text for text in texts):
        check_targets(config)  # or they are those of our own files, and are not imported for this
    if command.startswith("demo_") and config.get("pictures", True) is None:
        raise InputError("pictures=null: a demo shows pictures. Leave it out")
    for override in parsed:
        if is_group(override.key_or_group):
            continue
        if _is_there(defaults, override.key_or_group):
            _check_value(config, defaults, override.key_or_group)
            _check_beside(config, defaults, override.key_or_group)
        else:
            _check_added(config, defaults, override)


@functools.lru_cache(maxsize=64)
def _defaults(command: str, chosen: tuple[str, ...]) -> DictConfig:
    """A command's settings as they are by themselves, for reading alone."""
    config = compose(command, chosen)
    OmegaConf.set_readonly(config, True)
    return config


def _is_there(config: DictConfig, key: str) -> bool:
    parent, _, name = key.rpartition(".")
    section = OmegaConf.select(config, parent) if parent else config
    return isinstance(section, DictConfig) and name in list(section)  # also what is missing yet


def _check_place(config: DictConfig, defaults: DictConfig, override: Override) -> None:
    """Whether a setting that the config does not have by itself is where something may read it."""
    key = override.key_or_group
    parent = key.rpartition(".")[0]
    section = OmegaConf.select(config, parent) if parent else None
    if not (isinstance(section, DictConfig) and section.get("_target_")):
        value = str(override.input_line).partition("=")[2]
        raise InputError(no_such_setting(key, value or None, defaults))


def _check_added(config: DictConfig, defaults: DictConfig, override: Override) -> None:
    """Whether something reads a setting that the config does not have by itself."""
    key = override.key_or_group
    parent, _, name = key.rpartition(".")
    section = OmegaConf.select(config, parent) if parent else None
    target = str(section.get("_target_") or "") if isinstance(section, DictConfig) else ""
    taken = parameters(get_object(target)) if target and not name.startswith("_") else {}
    if name not in taken:
        value = str(override.input_line).partition("=")[2]
        raise InputError(no_such_setting(key, value or None, defaults))
    if taken[name].default is inspect.Parameter.empty:
        raise InputError(f"{key}: what {target} gets as {name} is made here. Leave it out")
    _check_annotation(key, OmegaConf.select(config, key), target, taken[name])


def parameters(target: Any) -> dict[str, inspect.Parameter]:
    """What a class or a function takes by name, with what it hands on to the class it extends."""
    found: dict[str, inspect.Parameter] = {}
    for each in _signatures(target):
        taken = inspect.signature(each).parameters.values()
        found = {one.name: one for one in taken if one.kind in BY_NAME} | found
        if all(one.kind is not inspect.Parameter.VAR_KEYWORD for one in taken):
            break
    return found


def _signatures(target: Any) -> list[Any]:
    """The functions that take a target's arguments, its own first."""
    if not inspect.isclass(target):
        return [target]
    own = [each for each in target.__mro__ if "__init__" in vars(each) and each is not object]
    handed_on = HANDED_ON.get(target.__name__)
    return [own[0], get_object(handed_on)] if handed_on else own


def _check_value(config: DictConfig, defaults: DictConfig, key: str) -> None:
    if key.rpartition(".")[2] in ("_partial_", "_args_", "_recursive_", "_convert_"):
        raise InputError(f"{key}: how a section is made is not for the command line to say")
    value = OmegaConf.select(config, key)
    default, raw = _default(defaults, key)
    if raw is None and _target(defaults, key) in LIBRARY_TARGETS:  # ours check it themselves
        target, taken = _taken(defaults, key)
        if taken:
            _check_annotation(key, value, target, taken)
    if value is None:
        if not _may_be_null(defaults, key, raw):
            raise InputError(f"{key}=null: {_wanted(default)} is needed")
    elif isinstance(default, DictConfig):
        if not isinstance(value, DictConfig):
            names = ", ".join(f"{key}.{name}" for name in map(str, default) if name[0] != "_")
            raise InputError(f"{key}={value}: it has settings of its own: {names}")
    elif isinstance(raw, str) and "${" in raw:  # perhaps of what is for the user to give
        if raw[:1] + raw[-1:] != "$}" and isinstance(value, DictConfig | ListConfig):
            raise InputError(f"{key}={value}: one value is needed")
    elif not isinstance(value, _kinds(default)) or (
        isinstance(value, bool)
        and isinstance(default, int | float)
        and not isinstance(default, bool)
    ):
        raise InputError(f"{key}={value}: {_wanted(default)} is needed")


def _check_beside(config: DictConfig, defaults: DictConfig, key: str) -> None:
    """Whether another target takes the settings that are in its section already."""
    parent, _, name = key.rpartition(".")
    section = OmegaConf.select(config, parent) if parent else None
    if name != "_target_" or not isinstance(section, DictConfig):
        return
    taken = parameters(get_object(section[name]))
    own = [str(each) for each in section if not str(each).startswith("_")]
    if foreign := [each for each in own if each not in taken]:
        above, _, last = parent.rpartition(".")
        raw = OmegaConf.to_container(OmegaConf.select(defaults, above), resolve=False)[last]  # type: ignore[call-overload, index]
        none = f", or {parent}=null for none" if _may_be_null(defaults, parent, raw) else ""
        raise InputError(
            f"{key}={section[name]}: it takes no {', '.join(foreign)}, which is set beside it. "
            f"Give one that does{none}"
        )


def _default(defaults: DictConfig, key: str) -> tuple[Any, Any]:
    """What a setting has by itself, resolved if that can be, and as it stands in the file."""
    parent, _, name = key.rpartition(".")
    section = OmegaConf.select(defaults, parent) if parent else defaults
    raw = OmegaConf.to_container(section, resolve=False)[name]  # type: ignore[call-overload, index]
    if isinstance(raw, str) and ("${" in raw or raw == "???"):
        return None, raw
    return section[name], raw


def _may_be_null(defaults: DictConfig, key: str, raw: Any) -> bool:
    """Whether a setting is null by itself, or what takes it says that it may be."""
    # of a backbone, null is what its class has by itself, or what a file says
    if raw is None or key in NULLABLE or key.startswith("backbone."):
        return True
    target, taken = _taken(defaults, key)
    return bool(target) and (taken is None or _admits_none(taken.annotation))


def _taken(config: DictConfig, key: str) -> tuple[str, inspect.Parameter | None]:
    """What a setting is for: the target of its section, if there is one, and which argument."""
    target = _target(config, key)
    name = key.rpartition(".")[2]
    return target, parameters(get_object(target)).get(name) if target else None


def _target(config: DictConfig, key: str) -> str:
    """What the section of a setting makes, or nothing."""
    parent = key.rpartition(".")[0]
    section = OmegaConf.select(config, parent) if parent else config
    return str(section.get("_target_") or "")


def _check_annotation(key: str, value: Any, target: str, taken: inspect.Parameter) -> None:
    if value is not None and not _is_of(taken.annotation, value):
        kind = str(taken.annotation).replace("typing.", "")
        raise InputError(f"{key}={value}: {kind} is needed, as {target} says")


def _admits_none(annotation: Any) -> bool:
    if annotation is inspect.Parameter.empty or annotation is Any:
        return True
    if isinstance(annotation, str):
        return "None" in annotation or "Optional" in annotation
    return annotation is None or type(None) in typing.get_args(annotation)


def _is_of(annotation: Any, value: Any) -> bool:
    """Whether a plain value is of a kind that an annotation names; true where it cannot be said."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_is_of(each, value) for each in typing.get_args(annotation))
    if typing.get_origin(annotation) is typing.Literal:
        return value in typing.get_args(annotation)
    if not isinstance(value, PLAIN) or annotation not in (*PLAIN, type(None)):
        unsaid = annotation in (object, inspect.Parameter.empty)
        named = inspect.isclass(annotation) and not unsaid
        return not (isinstance(value, PLAIN) and named)
    if isinstance(value, bool) or annotation is bool:
        return isinstance(value, bool) and annotation is bool
    return isinstance(value, (int, float) if annotation is float else annotation)


def _kinds(default: Any) -> tuple[type, ...]:
    """The kinds of value that a setting takes, judged by the one it has by itself."""
    if isinstance(default, bool):
        return (bool,)
    if isinstance(default, int):
        return (int,)
    if isinstance(default, float):
        return (int, float)
    if isinstance(default, str):  # 5 may be a name
        return (str, int, float)
    return (object,)


def _wanted(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, int | float):
        kind = "a whole number" if isinstance(default, int) else "a number"
        return f"{kind}, such as {default},"
    if isinstance(default, DictConfig):
        return "a section of settings"
    return f"one value, such as {default}," if default else "a value"
