"""Runs the real commands, as a user would."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hydra.core.global_hydra import GlobalHydra

ROOT = Path(__file__).parents[1]


def run(
    *arguments: str | Path, cwd: Path = ROOT, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Runs ``python tools/...`` to its end.

    Args:
        *arguments: The script under ``tools`` without its suffix, then its arguments.
        cwd: Working directory.
        timeout: In seconds.
    """
    tool, *rest = map(str, arguments)
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / f"{tool}.py"), *rest],
        cwd=cwd,
        env=os.environ | {"HYDRA_FULL_ERROR": "0"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Finished(NamedTuple):
    """How a command ended, as ``subprocess.CompletedProcess`` has it."""

    returncode: int
    stdout: str
    stderr: str


def run_inside(*arguments: str | Path, cwd: Path) -> Finished:
    """Runs a command in this process, which saves its imports; for what ends early."""
    tool, *rest = map(str, arguments)
    script = str(ROOT / "tools" / f"{tool}.py")
    stdout, stderr = io.StringIO(), io.StringIO()
    code: object = 0
    GlobalHydra.instance().clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [script, *rest])
        patch.chdir(cwd)
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                runpy.run_path(script, run_name="__main__")
            except SystemExit as stop:
                code = stop.code
    return Finished(int(str(code or 0)), stdout.getvalue(), stderr.getvalue())


def wait_for(path: Path, process: Any) -> None:
    """Waits until a file is there, which a command that runs is to write."""
    for _ in range(6000):
        if path.exists():
            return
        ended = process.poll() if isinstance(process, subprocess.Popen) else process.exitcode
        assert ended is None
        time.sleep(0.02)
    raise AssertionError(f"no {path} in two minutes")


def options(group: str) -> list[str]:
    """The names in a folder of ``configs``."""
    return sorted(path.stem for path in (ROOT / "configs" / group).glob("*.yaml"))
