"""Whose head a file holds: the option that makes it, and the task that it is for."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from heads.head import Head
from tasks.common.settings.composing import compose
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.writing import settings_in


class TaskHead(NamedTuple):
    """A task, by what it has for a head.

    Attributes:
        task: Its option.
        by_itself: The head that it has unless another is chosen.
        any_of: What all heads that it could have are.
    """

    task: str
    by_itself: type[Head]
    any_of: type[Head]


@cache
def task_heads() -> tuple[TaskHead, ...]:
    """All tasks with their heads, by name."""
    found = []
    for name in sorted(path.stem for path in (CONFIGS / "task").glob("*.yaml")):
        config = compose("predict", [f"task={name}"])
        task: Any = get_class(config.task["_target_"])
        found.append(TaskHead(name, get_class(config.head["_target_"]), task.head_type))
    return tuple(found)


@cache
def head_options() -> dict[str, tuple[str, type[Head]]]:
    """The option of a head and its class, by the name that files have of it."""
    found: dict[str, tuple[str, type[Head]]] = {}
    for path in sorted((CONFIGS / "head").glob("*.yaml")):
        config: Any = OmegaConf.load(path)
        if target := config.get("_target_"):  # others choose one of these, with other settings
            head: type[Head] = get_class(target)
            if head.name not in found or path.stem == head.name:
                found[head.name] = path.stem, head
    return found


def own_head(config: DictConfig, description: Mapping[str, Any]) -> str | None:
    """The option of the head that a file is of, where the config has another one.

    Args:
        config: With a task.
        description: Of the file's network.

    Returns:
        None if the config has it already, or the task could not have it.
    """
    name = description.get("head", {}).get("name")
    task: Any = get_class(config.task["_target_"])
    has: Any = get_class(config.head["_target_"])
    if name == has.name or name not in head_options():  # several may be of one name in files
        return None
    option, head = head_options()[name]
    return option if issubclass(head, task.head_type) else None


def settle_head(
    config: DictConfig, description: Mapping[str, Any], *, overrides: Sequence[str]
) -> DictConfig:
    """A copy of a config with what a file says of its head: how many channels it has, and such.

    Args:
        config: With a head; of another one than the file's it is left as it is.
        description: Of the file's network.
        overrides: The user's. What they name is left, to be refused if it contradicts the file.
    """
    settled, named = config.copy(), settings_in(overrides)
    own = dict(description.get("head", {}))
    head: Any = get_class(config.head["_target_"])
    if own.pop("name", None) == head.name:
        for key in own.keys() & set(map(str, settled.head)):
            is_section = isinstance(settled.head[key], DictConfig)
            if f"head.{key}" not in named and not is_section:
                settled.head[key] = own[key]
    return settled


def task_of_head(name: str | None) -> str | None:
    """The first task that has a head by itself, or else the one whose own is most like it."""
    own = next((one.task for one in task_heads() if one.by_itself.name == name), None)
    if own or name not in head_options():
        return own
    _, head = head_options()[name]
    fitting = [one for one in task_heads() if issubclass(head, one.any_of)]

    def strangeness(one: TaskHead) -> tuple[int, int]:
        theirs, ours = set(one.by_itself.__mro__), set(head.__mro__)
        return -len(theirs & ours), len(theirs - ours)

    return min(fitting, key=strangeness).task if fitting else None
