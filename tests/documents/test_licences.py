"""The page of licences says what the configs say."""

import re

import pytest
import yaml

from tasks.common.networks.published import Published, published_names
from tests.commands import ROOT, options

PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", published_names())
def test_weights_that_are_fetched_have_their_licence_and_source(name: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    _, _, licence, source, _ = (cell.strip() for cell in row.split("|"))
    published = Published.named(name)
    assert licence == published.licence
    host = source[1:].partition("]")[0]
    assert all(host in file["url"] for file in published.files)


@pytest.mark.parametrize("name", options("dataset"))
def test_data_sets_that_are_fetched_have_their_terms(name: str) -> None:
    text = (ROOT / "configs" / "dataset" / f"{name}.yaml").read_text(encoding="utf-8")
    terms = yaml.safe_load(text).get("terms")
    assert terms is None or f"({terms})" in PAGE


def test_readers_that_the_page_names_are_there() -> None:
    for group in ("data", "teacher", "dataset"):
        named = set(re.findall(rf"\b{group}=(\w+)", PAGE))
        assert named and named <= set(options(group))
