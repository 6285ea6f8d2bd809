"""What holds of every module: its examples are true, and it may be imported at any time."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from torch import Tensor

import backbone
import heads
import tasks

MODULES = [
    module.name
    for package in (backbone, heads, tasks)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_no_tensor_is_made_by_an_import(name: str):
    """It would be on the device that is in force then, such as the one that holds shapes alone."""
    names = vars(importlib.import_module(name)).items()
    assert [key for key, value in names if any(isinstance(x, Tensor) for x in inside(value))] == []


def inside(value: Any) -> Iterator[Any]:
    """A value and all that is in it, or of a class of records in its defaults."""
    yield value
    if isinstance(value, type):
        value = getattr(value, "_field_defaults", {})
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from inside(each)
