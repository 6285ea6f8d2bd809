"""The site builds without a warning, has a page for everything, and asks no other host."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import ROOT, options
from tests.documents.reading import pages

# What a browser fetches by itself when it opens a page.
FETCHED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=\"?(?:https?:)?//[^\s\">]+")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    config = pytest.importorskip("mkdocs.config")
    build = pytest.importorskip("mkdocs.commands.build").build
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        loaded = config.load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
        build(loaded)
    yield folder
    logging.getLogger("mkdocs").handlers.clear()


def test_every_page_of_the_project_is_there(site: Path) -> None:
    for page in pages():
        place = page.relative_to(ROOT).as_posix().removeprefix("docs/")
        place = place.removesuffix("/README.md").lower().removesuffix(".md")
        assert (site / f"{'index' if place == 'readme' else place}.html").is_file(), page


def test_commands_and_options_are_all_in_the_reference(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    tools = {path.stem for path in (ROOT / "tools").glob("[!_]*.py")}
    assert tools <= set(re.findall(r'<h2 id="([^"]+)"', commands))
    shown = (site / "reference" / "options.html").read_text(encoding="utf-8")
    for group in ("task", "data", "head", "backbone", "experiment"):
        assert all(f"{group}={option}" in shown for option in options(group))


def test_what_python_offers_is_described(site: Path) -> None:
    text = (site / "python.html").read_text(encoding="utf-8")
    for name in ("load", "Model", "Model.draw", "train", "evaluate", "predict", "export"):
        assert f'id="tasks.api.{name}"' in text, name


def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    canonical = re.compile(r'<link rel="?canonical')
    for page in site.rglob("*.html"):
        found = FETCHED.findall(page.read_text(encoding="utf-8"))
        assert [each for each in found if not canonical.match(each)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:", style.read_text(encoding="utf-8")), style
