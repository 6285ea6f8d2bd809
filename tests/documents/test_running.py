"""What the pages show from their first command to their last works, on drawn photos."""

from pathlib import Path
from typing import Any

import pytest

import tasks.api
from tasks.common.networks.published import CACHE
from tests.commands import ROOT, run_inside
from tests.documents.drawn import DRAWN, weights
from tests.documents.reading import SHELL, blocks, commands, pages
from tests.documents.test_settings import name

# Of a setting that is given twice the later one counts.
SMALL = {
    "train": (
        *("trainer.max_steps=2", "trainer.log_every_n_steps=1", "pictures.count=1"),
        *("data.batch_size=4", "data.num_workers=0", "data.image_size=96"),
    ),
    "export": ("batch=1",),  # or shapes are symbols, which takes several times as long
}
FEW = ("data.num_train=8", "data.num_val=3")  # of drawn ones
RUN = {
    page: [block for block in blocks(page) if block.asked == "run"]
    for page in pages()
    if any(block.asked == "run" for block in blocks(page))
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a page's commands are given; weights are in the cache, runs from Python are small."""
    weights(tmp_path / "cache")
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    asking = tasks.api.asking

    def asking_for_little(command: str, overrides: tuple[str, ...], settings: dict[str, Any]):
        return asking(command, (*overrides, *SMALL.get(command, ())), settings)

    monkeypatch.setattr(tasks.api, "asking", asking_for_little)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize("page", RUN, ids=name)
def test_a_page_is_true(page: Path, folder: Path) -> None:
    known: dict[str, str] = {}
    for block in RUN[page]:
        if block.of:
            DRAWN[block.of](folder)
        if block.language == "python":
            code = compile("\n".join(block.lines), block.place, "exec")
            exec(code, {"__name__": "page"})
            continue
        assert block.language in SHELL, block.place
        for command in commands(block, known):
            small = SMALL.get(command.tool, ()) + FEW * ("data=demo" in command.arguments)
            done = run_inside(command.tool, *command.arguments, *small, cwd=folder)
            assert done.returncode == 0, f"{command.place}: {done.stderr}"


def test_the_first_page_and_all_guides_are_run() -> None:
    guides = {page for page in pages() if page.parent.name == "guides"}
    assert {ROOT / "README.md", ROOT / "docs" / "python.md"} | guides <= RUN.keys()


@pytest.mark.parametrize("page", pages(), ids=name)
def test_python_on_a_page_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            compile("\n".join(block.lines), block.place, "exec")
