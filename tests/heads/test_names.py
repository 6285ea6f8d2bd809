"""``heads/X.py`` is ``configs/head/X.yaml`` is the head called X, by listing both folders."""

import importlib
import inspect

import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf

from heads.head import Head
from tests.commands import ROOT, options

CONFIGS = {
    name: OmegaConf.load(ROOT / "configs" / "head" / f"{name}.yaml") for name in options("head")
}
HEADS = {name: config["_target_"] for name, config in CONFIGS.items() if "_target_" in config}
VARIANTS = sorted(CONFIGS.keys() - HEADS.keys())


def makes_a_head(module: str) -> bool:
    """Whether it has a head, and not only what heads are derived from or made of."""
    classes = vars(importlib.import_module(f"heads.{module}")).values()
    return any(
        issubclass(each, Head) and not inspect.isabstract(each)
        for each in classes
        if inspect.isclass(each) and each.__module__ == f"heads.{module}"
    )


def test_every_module_with_a_head_has_a_config() -> None:
    modules = [path.stem for path in (ROOT / "heads").glob("[!_]*.py")]
    assert sorted(filter(makes_a_head, modules)) == sorted(HEADS)


@pytest.mark.parametrize("name", HEADS)
def test_a_config_is_called_as_its_module(name: str) -> None:
    assert HEADS[name].rpartition(".")[0] == f"heads.{name}"


@pytest.mark.parametrize("name", HEADS)
def test_a_head_is_called_as_the_module_that_its_weights_belong_to(name: str) -> None:
    """Its own, or that of a head which it only teaches in another way."""
    named = next(each for each in get_class(HEADS[name]).__mro__ if "name" in vars(each))
    assert vars(named)["name"] == named.__module__.removeprefix("heads.")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_names_its_head_first(name: str) -> None:
    assert CONFIGS[name]["defaults"][0] in HEADS
