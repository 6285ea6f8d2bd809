"""Rooms stay small enough to be known: sizes of files, functions and folders."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.commands import ROOT
from tests.documents.reading import pages

PACKAGES = ("backbone", "heads", "tasks", "tools")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_LINES, MEDIAN_LINES, MOST_LINES_OF_A_FUNCTION, MOST_MODULES = 300, 85, 60, 20
MOST_CHARACTERS = 120


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            yield f"{path.name}:{node.name}", node.end_lineno - node.lineno + 1


def test_files_are_short():
    assert [path for path in (*MODULES, *TESTS) if length(path) > MOST_LINES] == []
    assert median(map(length, MODULES)) < MEDIAN_LINES


def test_functions_are_short():
    long = [(name, lines) for path in MODULES for name, lines in functions(path)]
    assert [(name, lines) for name, lines in long if lines > MOST_LINES_OF_A_FUNCTION] == []


def test_folders_are_small():
    modules = [path for path in MODULES if path.name != "__init__.py" and "tools" not in path.parts]
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules)
    assert {folder: number for folder, number in counts.items() if number > MOST_MODULES} == {}


@pytest.mark.parametrize("words", ["assert isinstance", "HydraConfig"])
def test_what_has_one_place_is_nowhere_else(words: str):
    """Types come from generics, and what Hydra knows is read by the console alone."""
    rooms = {"assert isinstance": ROOT / "tasks", "HydraConfig": ROOT}
    console = ROOT / "tasks" / "common" / "console" / "command.py"
    common = ROOT / "tasks" / "common"
    found = [
        path
        for path in MODULES
        if path.is_relative_to(rooms[words]) and words in path.read_text(encoding="utf-8")
    ]
    if words == "assert isinstance":
        found = [path for path in found if not path.is_relative_to(common)]
    assert [path for path in found if path != console] == []


def prose(page: Path) -> Iterator[str]:
    """The lines of a page that are neither of code nor of a table."""
    is_code = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith(("|", "    ")):
            yield line


def test_lines_of_prose_are_as_short_as_an_editor_shows_them():
    long = [(page.name, line) for page in (*pages(), ROOT / "CHANGELOG.md") for line in prose(page)]
    assert [(name, line) for name, line in long if len(line) > MOST_CHARACTERS] == []
