"""The commands on the project's pages are ones that it takes: none is misspelt or incomplete."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.documents.checking import complaints
from tests.documents.reading import SHELL, Block, blocks, commands, page_commands, pages

PAGES = pages()


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def marked(page: Path) -> object:
    """Those of the tasks' own pages are as many as all others, and take as long."""
    marks = pytest.mark.slow if page.is_relative_to(ROOT / "tasks") else ()
    return pytest.param(page, id=name(page), marks=marks)


@pytest.mark.parametrize("page", [marked(page) for page in PAGES])
def test_commands_of_a_page_would_begin(page: Path, tmp_path: Path) -> None:
    assert complaints(page_commands(page), tmp_path) == []
    begun = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert begun <= {"multirun.yaml"}  # Hydra's own, of a sweep


def test_pages_have_commands_and_guides_are_among_them() -> None:
    found = {page: len(list(page_commands(page))) for page in PAGES}
    assert found[ROOT / "README.md"] >= 8
    guides = {page: number for page, number in found.items() if page.parent.name == "guides"}
    assert guides and min(guides.values()) >= 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("python tools/train.py task=ssd_coco trainer.max_epoch=1", 0, "trainer.max_epochs=1"),
        ("# a comment\npython tools/train.py task=dogs", 1, "There is no task=dogs"),
        ("python tools/train.py data=demo", 0, "task"),
        (
            "python tools/predict.py checkpoint=a.ckpt input=photos",
            0,
            "mandatory value: output",
        ),
        ("python tools/eval.py checkpoint=a.ckpt task.nothing=1", 0, "checkpoint=a.ckpt"),
        ("A='task=ssd_coco x=1'\npython tools/train.py $A \\\n  seed=1", 1, "no setting x"),
        ("cd a && mobilenet trian task=ssd_coco", 0, "trian is no command"),
        ("python tools/train.py -m task=imagenet seed=0,1 optim.nothing=1", 0, "optim.nothing"),
        ("python tools/train.py task=imagenet optim.lr=fast", 0, "optim.lr=fast: a number"),
    ],
)
def test_a_command_that_no_longer_works_is_named_with_its_line(
    text: str, line: int, said: str, tmp_path: Path
) -> None:
    block = Block(ROOT / "README.md", 7, "sh", tuple(text.splitlines()), "", "")
    (found,) = complaints(commands(block, {}), tmp_path)
    assert found.startswith(f"README.md:{7 + line}: ") and said in found


@pytest.mark.parametrize("page", [*PAGES, ROOT / "Dockerfile"], ids=name)
def test_targets_of_make_and_extras_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shell = [block for block in blocks(page) if block.language in ("", *SHELL)]
    lines = "\n".join(line for block in shell for line in block.lines)
    targets = {*re.findall(r"^make (\w+)", lines, re.M), *re.findall(r"`make (\w+)", text)}
    assert targets <= set(re.findall(r"^(\w+):", makefile, re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"(?:\.|mobilenet-suite)\[([\w,]+)\]", text)
    extras = {extra for names in named for extra in names.split(",")}
    assert extras <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_block_that_is_left_alone_says_why(page: Path) -> None:
    assert [block.place for block in blocks(page) if block.asked == "skip" and not block.of] == []
