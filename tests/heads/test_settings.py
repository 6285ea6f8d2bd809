"""Every head says what its weights depend on."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from heads.detection.proposals import ProposalNetwork
from heads.head import Head
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tests.commands import options

CHANNELS = {"c2": 4, "c3": 6, "c4": 8, "c5": 12}

# Said elsewhere in a file: by its backbone and by its classes.
OF_OTHERS = {"in_channels", "num_classes"}
# What heads decide for what they are derived from and consist of.
DECIDED = {"channels", "strides", "crop_strides", "region_channels"}
# What a weight starts from, what it learns from and what is chosen among the outputs.
NOT_OF_WEIGHTS = {
    "background_iou",
    "box_weight",
    "class_bias",
    "distribution_weight",
    "dropout",
    "foreground_iou",
    "label_smoothing",
    "margin",
    "margin_rad",
    "mask_weight",
    "max_candidates",
    "max_detections",
    "min_iou",
    "negatives_per_positive",
    "nms_iou",
    "num_proposals",
    "num_sampled",
    "points_per_object",
    "positive_share",
    "scale",
    "score_threshold",
    "weights",
}


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


def arguments(made: type) -> set[str]:
    """Of a class and, where it passes the others on, of those that it is derived from."""
    found: set[str] = set()
    for each in (each for each in made.__mro__ if "__init__" in vars(each)):
        parameters = inspect.signature(each).parameters.values()
        named = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        found |= named if each is made else named - DECIDED
        if len(named) == len(parameters):
            break
    return found - OF_OTHERS - NOT_OF_WEIGHTS


# What is said of a part in its place.
PARTS = {"classification": {"activation"}, "proposals": arguments(ProposalNetwork) - DECIDED}


@pytest.mark.parametrize("name", options("head"))
def test_settings_say_all_that_weights_depend_on(name: str) -> None:
    head = head_of(config_of(name))
    said = head.settings().keys()
    wanted = arguments(type(head))
    for part in wanted & PARTS.keys():
        wanted = wanted - {part} | PARTS[part]
    assert said == wanted


def sections(config: DictConfig, said: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A head's config and those of what it consists of, with what settings say of each."""
    yield config, {key: value for key, value in said.items() if key != "parts"}
    yield config.get("proposals", {}), said
    for name, part in config.get("parts", {}).items():
        yield part, said["parts"][name]


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
    """So that nothing is among ``NOT_OF_WEIGHTS`` that does not belong there."""
    head, config = head_of(config_of(name)), config_of(name)
    shapes = {key: value.shape for key, value in head.state_dict().items()}
    for section, _ in sections(config, head.settings()):
        for key in section.keys() & NOT_OF_WEIGHTS:
            section[key] = changed(section[key])
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
