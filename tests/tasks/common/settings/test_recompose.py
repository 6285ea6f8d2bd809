"""Configs make only what they may make."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from heads.ssd import SSDHead
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.differences import differences
from tasks.common.settings.recompose import plain_values, recompose
from tasks.common.settings.targets import build

OWN = "backbone.mobilenet.MobileNet"


@pytest.fixture(autouse=True)
def composing() -> Iterator[None]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


def test_own_classes_are_built() -> None:
    network = build(OmegaConf.create({"_target_": OWN, "width": 0.25}))
    assert isinstance(network, MobileNet) and network.settings["width"] == 0.25


def test_partials_and_nested_targets_are_built() -> None:
    make = build(compose("train", overrides=["task=ssd_coco"]).head)
    head = make(in_channels={"c4": 16, "c5": 32}, num_classes=3)
    assert isinstance(head, SSDHead) and head.classification.activation == "sigmoid"


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "posix.system",
        "subprocess.check_call",
        "builtins.eval",
        "torch.load",
        "torch.optim.Adam",
        "lightning.pytorch.Trainer.fit",
        "hydra.utils.instantiate",
        "tasks.common.data.module.os.system",  # ours by name, but only passing through
        "tasks.common.data.module.os",
        "tasks.common.settings.targets.instantiate",
        "tasks.common.settings.targets.importlib.import_module",
        "backbone.weights.torch.load",
        "backbone.mobilenet.Mobilenet",
        "backbone.no_such.Thing",
        "backbone",
        "backbone.",
        ".backbone.mobilenet.MobileNet",
        "",
        None,
        3,
    ],
)
@pytest.mark.parametrize("place", ["outermost", "argument", "list", "deep", "reference"])
def test_foreign_targets_are_refused_unexecuted(tmp_path: Path, target: Any, place: str) -> None:
    mark = tmp_path / "executed"
    evil = {"_target_": target, "_args_": [f"touch {mark}"]}
    config = {
        "outermost": evil,
        "argument": {"_target_": OWN, "width": evil},
        "list": {"_target_": OWN, "_args_": [1.0, [evil]]},
        "deep": {"_target_": OWN, "width": {"a": {"b": [{"c": evil}]}}},
        "reference": {"_target_": OWN, "name": target, "width": {"_target_": "${..name}"}},
    }[place]
    with pytest.raises(InputError, match="_target_="):
        build(OmegaConf.create(config))
    assert not mark.exists()


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tasks.geolocation.im2gps", raising=False)
    monkeypatch.setitem(sys.modules, "faiss", None)  # what imports of it find then
    with pytest.raises(ModuleNotFoundError, match="faiss"):
        build(compose("train", overrides=["task=planet", "model=im2gps"]).task)


def test_the_message_lists_what_is_allowed() -> None:
    with pytest.raises(InputError, match=r"os\.system is not allowed.*backbone.*torch\.optim\.SGD"):
        build(OmegaConf.create({"_target_": "os.system"}))


def restored(saved: dict[str, Any], *overrides: str, **choices: str) -> DictConfig:
    return recompose("eval", saved=saved, choices={"task": "ssd_coco"} | choices,
                     overrides=overrides)  # fmt: skip


def test_settings_come_back() -> None:
    theirs = compose(
        "train",
        overrides=["task=ssd_coco", "head=ssd_focal", "data=voc", "backbone.width=0.5",
                   "head.nms_iou=0.3", "head.classification.alpha=0.1", "data.batch_size=7"],
    )  # fmt: skip
    groups = ("backbone", "head", "data")
    saved = {group: OmegaConf.to_container(theirs[group], resolve=True) for group in groups}
    ours = restored(saved, head="ssd_focal", data="voc")
    assert ours.head.classification["_target_"] == "heads.detection.losses.FocalLoss"
    assert ours.data["layout"] == "voc"
    for group in groups:
        assert plain_values(ours[group]) == saved[group]


def test_the_users_settings_win() -> None:
    saved = {"head": {"nms_iou": 0.3, "score_threshold": 0.2}, "data": {"batch_size": 7}}
    ours = restored(saved, "head.nms_iou=0.9", "data=voc")
    assert (ours.head.nms_iou, ours.head.score_threshold) == (0.9, 0.2)
    assert ours.data.batch_size != 7  # of other data


@pytest.mark.parametrize(
    "saved",
    [
        {"backbone": {"_target_": "os.system", "width": 0.5}},
        {"backbone": {"width": {"_target_": "os.system"}}},
        {"head": {"classification": {"_target_": "os.system", "_args_": ["true"]}}},
        {"head": {"unknown": {"_target_": "os.system"}}},
        {"head": {"features": [{"_target_": "os.system"}]}},
        {"head": {"_recursive_": False, "_convert_": "all", "_partial_": False}},
        {"trainer": {"_target_": "os.system"}, "unknown": {"_target_": "os.system"}},
        {"backbone": "os.system"},
        {"backbone": None},
    ],
    ids=str,
)
def test_targets_in_a_saved_config_are_ignored(saved: dict[str, Any]) -> None:
    ours, fresh = restored(saved), compose("eval", overrides=["task=ssd_coco"])
    for group in ("task", "backbone", "head", "data", "optim", "schedule", "trainer"):
        assert "os.system" not in str(OmegaConf.to_container(ours[group]))
        found = {key: value for key, value in ours[group].items() if key.startswith("_")}
        assert found == {key: value for key, value in fresh[group].items() if key.startswith("_")}


def test_secrets_are_not_read_for_a_saved_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "swordfish")
    ours = restored({"data": {"root": "${oc.env:A_SECRET}"}})
    assert "swordfish" not in str(plain_values(ours.data))


@pytest.mark.parametrize(
    "head", ["no_such_head", "ssd,ssd_focal", "ssd +x=1", "a b", "../data/voc"]
)
def test_options_that_do_not_exist_are_refused(head: str) -> None:
    with pytest.raises(InputError, match="does not fit"):
        restored({}, head=head)


def test_differences_are_named() -> None:
    ours = {"a": 1, "b": {"c": [1, 2], "d": 3}}
    theirs = {"a": 1, "b": {"c": [1], "d": 3}, "e": None, "f": 4}
    assert [str(difference) for difference in differences(ours, theirs)] == [
        "b.c: [1] in the checkpoint, [1, 2] now",
        "f: 4 in the checkpoint, None now",
    ]


def test_numbers_that_may_have_a_fraction_are_written_with_one() -> None:
    # a default of 0 would refuse optim.weight_decay=0.05: "a whole number is needed"
    values = [
        (key, value, path)
        for path in sorted(CONFIGS.rglob("*.yaml"))
        for key, value in numbers(OmegaConf.to_container(OmegaConf.load(path)))
    ]
    fractional = {key for key, value, _ in values if isinstance(value, float)}
    assert {"weight_decay", "lr"} <= fractional
    assert not [found for found in values if found[0] in fractional and isinstance(found[1], int)]


def numbers(node: Any) -> Iterator[tuple[str, int | float]]:
    """Keys and values of plain values at any depth, but for truth values."""
    if isinstance(node, list):
        for part in node:
            yield from numbers(part)
    elif isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield str(key), value
            yield from numbers(value)
