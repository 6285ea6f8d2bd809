"""The examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

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
