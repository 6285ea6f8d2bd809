"""Every head says what its weights depend on."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_class
from omegaconf import DictConfig

from heads.head import Head
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tests.commands import options

CHANNELS = {"c2": 4, "c3": 6, "c4": 8, "c5": 12}

# Said elsewhere in a file: by its backbone and by its classes.
OF_OTHERS = {"in_channels", "num_classes"}


@pytest.fixture(autouse=True)
def composing() -> Iterator[None]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


def config_of(name: str, *overrides: str) -> DictConfig:
    config: DictConfig = compose("eval", overrides=[f"head={name}", *overrides]).head
    return config


def head_of(config: DictConfig) -> Head:
    head: Head = build(config)(in_channels=CHANNELS, num_classes=3)
    return head


def free(section: DictConfig) -> set[str]:
    """What a head or a part of one says that its weights do not depend on."""
    classes = get_class(section["_target_"]).__mro__
    return {name for each in classes for name in vars(each).get("free_settings", ())}


def parts(section: DictConfig) -> list[DictConfig]:
    """What a head is made of, as its config has it."""
    return [x for x in section.values() if isinstance(x, DictConfig) and "_target_" in x]


def others(section: DictConfig) -> set[str]:
    """All other settings of a head and its parts."""
    named = {key for key in section if key[0] != "_" and section[key] not in parts(section)}
    return (named - free(section)).union(*map(others, parts(section)))


def arguments(made: type) -> set[str]:
    """A class's own, which its config may leave out."""
    own = inspect.signature(made).parameters.values()
    return {each.name for each in own if each.kind is not each.VAR_KEYWORD} - OF_OTHERS


@pytest.mark.parametrize("name", options("head"))
def test_settings_say_all_that_weights_depend_on(name: str) -> None:
    config = config_of(name)
    head = head_of(config)
    said = head.settings().keys()
    wanted = others(config)
    assert wanted <= said
    # besides arguments, what is always so of a part that is chosen
    assert all(
        any(hasattr(get_class(x["_target_"]), key) for x in parts(config)) for key in said - wanted
    )
    assert arguments(type(head)) <= config.keys()
    assert not free(config) & said


def sections(config: DictConfig, said: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A head's config and those of what it consists of, with what settings say of each."""
    yield config, {key: value for key, value in said.items() if key != "parts"}
    yield from ((part, said) for part in parts(config))
    for name, part in config.get("parts", {}).items():
        yield part, said["parts"][name]


WORDS = {"class_weights": "balanced"}  # settings that take nothing else


def changed(value: Any) -> Any:
    """Another value of the same kind, within any bounds."""
    if isinstance(value, DictConfig):
        return {key: changed(part) for key, part in value.items()}
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int):
        return value + 1
    return value / 2


@pytest.mark.parametrize("name", options("head"))
def test_the_other_settings_leave_the_tensors_as_they_are(name: str) -> None:
    """So that nothing is among ``free_settings`` that does not belong there."""
    head, config = head_of(config_of(name)), config_of(name)
    shapes = {key: value.shape for key, value in head.state_dict().items()}
    for section, _ in sections(config, head.settings()):
        for key in section.keys() & free(section):
            section[key] = WORDS.get(key) or changed(section[key])
    state = head_of(config).state_dict()
    assert shapes == {key: value.shape for key, value in state.items()}


@pytest.mark.parametrize("name", options("head"))
def test_settings_rebuild_the_tensors(name: str) -> None:
    config = config_of(name)
    head = head_of(config)
    for section, said in sections(config, head.settings()):
        for key in section.keys() & said.keys():
            section[key] = said[key]
    again = head_of(config)
    assert again.settings() == head.settings()
    shapes = {key: value.shape for key, value in head.state_dict().items()}
    assert shapes == {key: value.shape for key, value in again.state_dict().items()}


@pytest.mark.parametrize(
    ("name", "setting", "said"),
    [
        ("faster_rcnn", "head.proposals.hidden_channels=5", {"hidden_channels": 5}),
        ("faster_rcnn_fpn", "head.map_channels=5", {"map_channels": 5, "hidden_channels": 5}),
        ("faster_rcnn_fpn", "head.region_channels=5", {"region_channels": 5}),
        ("mask_rcnn", "head.mask_channels=5", {"mask_channels": 5}),
        ("classification", "head.feature=c4", {"feature": "c4"}),
    ],
)
def test_another_width_is_another_setting(name: str, setting: str, said: dict[str, Any]) -> None:
    before, after = (head_of(config_of(name, *some)).settings() for some in ((), (setting,)))
    assert after == before | said
    assert before != after
