"""The packages are this checkout's, their imports run one way, and their names shadow nothing."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("backbone", "heads", "tasks")


def run(*command: str, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def repository_files() -> list[Path]:
    """Files under version control, and new ones that are not ignored."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard")
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [Path(line) for line in listed.stdout.splitlines()]


@pytest.mark.parametrize("package", PACKAGES)
def test_imported_from_anywhere_a_package_is_this_checkouts(package, tmp_path):
    code = f"import {package}; print({package}.__file__)"
    result = run(sys.executable, "-c", code, folder=tmp_path)
    assert result.returncode == 0, f"{result.stderr}\nInstalled? `make setup` does it."
    assert Path(result.stdout.strip()).samefile(REPOSITORY / package / "__init__.py")


def test_imports_run_one_way():
    result = run(str(Path(sys.executable).with_name("lint-imports")))
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_folder_with_code_is_a_package():
    folders = {file.parent for package in PACKAGES for file in (REPOSITORY / package).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_file_is_a_drawer_for_everything():
    refused = {"utils", "util", "helpers", "misc"}
    assert [file for file in repository_files() if refused & {file.stem, *file.parts[:-1]}] == []


def test_text_is_read_and_written_as_utf_8():
    """Windows would take its own code page."""
    calls = [
        (file, node)
        for package in PACKAGES
        for file in (REPOSITORY / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    assert [f"{file}:{call.lineno}" for file, call in calls if _opens_text_anyhow(call)] == []


def _opens_text_anyhow(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {keyword.arg for keyword in call.keywords}
    modes = [word.value for word in call.args if isinstance(word, ast.Constant)]
    text = name == "open" and any(mode in ("r", "w", "a", "x") for mode in modes)
    text |= name == "open" and "newline" in given
    text &= ast.unparse(call.func) != "tarfile.open"
    return (text or name in ("read_text", "write_text")) and "encoding" not in given


def test_no_command_shadows_the_standard_library():
    """``python tools/x.py`` puts ``tools`` first on the path."""
    names = {file.stem for file in (REPOSITORY / "tools").glob("*.py")}
    assert names & (set(sys.stdlib_module_names) - {"__init__"}) == set()
