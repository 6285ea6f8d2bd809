"""Runs the training command in processes that can be killed at an exact place.

Each phase is a process of its own, forked from a server that has imported everything, since the
imports take longer than the tiny runs.
"""

import contextlib
import csv
import functools
import importlib
import itertools
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tests.commands import ROOT

SIGTERM, SIGINT = signal.SIGTERM, signal.SIGINT

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        *("tasks.common.commands.train", "tasks.common.commands.evaluate"),
        *("tasks.common.console.command", "tasks.detection.task", "tasks.detection.data"),
        # what a run imports on its way
        *("albumentations", "hydra.core.override_parser.overrides_parser", "matplotlib.pyplot"),
        *("timm", "torch.utils.tensorboard", "tasks.detection.augmentation.recipes"),
    ]
)

TINY = (
    "task=ssd_coco",
    "data=demo",
    "data.num_train=24",
    "data.num_val=8",
    "data.batch_size=4",
    "data.image_size=96",
    "data.num_workers=0",
    "backbone.width=0.25",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=3",
    "trainer.log_every_n_steps=1",
    "pictures.count=0",
)


class Trap(NamedTuple):
    """Sends the process a signal at the n-th call of a callback's hook.

    ``after_save`` and ``in_save`` are hooks too: a checkpoint is in its place, or it is written to
    its temporary file. ``module:name`` is before that function is called.
    """

    hook: str
    count: int
    signal: int = signal.SIGKILL
    to_all: bool = False  # processes of the command, as a terminal sends it
    times: int = 1

    def strike(self) -> None:
        for number in range(self.times):
            time.sleep(0.3 * bool(number))
            (os.killpg if self.to_all else os.kill)(os.getpid(), self.signal)


class Fault(NamedTuple):
    """Damages a file at the n-th call, as ``Trap`` has it; without content it is deleted."""

    hook: str
    count: int
    file: Path
    content: bytes | None = None

    def strike(self) -> None:
        if self.content is None:
            self.file.unlink()
        else:
            self.file.write_bytes(self.content)


class Phase(NamedTuple):
    """How a process ended, and what it said."""

    code: int | None
    output: str
    seconds_to_end: float  # of all its processes, after it had said the last of it or was killed


def phase(
    tool: str, *arguments: str | Path, trap: Trap | Fault | None = None, output: Path
) -> Phase:
    """Runs a command in a forked process to its end.

    Args:
        tool: The script under ``tools`` without its suffix.
        *arguments: Of the command.
        trap: Ends the process before that, or breaks something.
        output: File that gets what it says.
    """
    given = [str(argument) for argument in arguments]
    process = SERVER.Process(
        target=run_command, args=(tool, given), kwargs={"trap": trap, "output": output}
    )
    process.start()
    process.join(300)
    code = process.exitcode
    # who is killed has not said that the end is near
    is_killed = code is not None and code < 0
    end = time.time() if is_killed else output.stat().st_mtime
    seconds = seconds_to_end(process.pid, since=end)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return Phase(code, output.read_text(), seconds)


def seconds_to_end(group: int | None, *, since: float) -> float:
    """How long after that time the last process of a group is gone, infinite after a minute."""
    while (seconds := time.time() - since) < 60:
        if not _is_alive(group):
            return seconds
        time.sleep(0.02)
    return math.inf


def _is_alive(group: int | None) -> bool:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":  # whom nobody has waited for is no more
                return True
    return False


def run_command(
    tool: str, arguments: list[str], *, output: Path, trap: Trap | Fault | None = None
) -> None:
    """What a process of ``phase`` does."""
    os.setpgid(0, 0)
    # how this process was started is not how the command is to start its own
    multiprocessing.set_start_method(None, force=True)  # type: ignore[arg-type]
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.argv = [f"tools/{tool}.py", *arguments]
    torch.set_num_threads(1)
    if trap:
        _set(trap)
    __import__(f"tools.{tool}", fromlist=["main"]).main()


def _set(trap: Trap | Fault) -> None:
    from lightning.pytorch import Callback

    from tasks.common.commands import evaluate, train
    from tasks.common.training.checkpoints import AtomicCheckpointIO

    calls = itertools.count(1)

    def strike(*_: Any, **__: Any) -> None:
        if next(calls) == trap.count:
            trap.strike()

    def then_strike(function: Any) -> Any:
        def both(*args: Any, **kwargs: Any) -> None:
            function(*args, **kwargs)
            strike()

        return both

    if trap.hook == "after_save":
        AtomicCheckpointIO.save_checkpoint = then_strike(AtomicCheckpointIO.save_checkpoint)
    elif trap.hook == "in_save":
        torch.save = then_strike(torch.save)
    elif ":" in trap.hook:
        _strike_before(trap.hook, strike)
    else:
        callback = type("Trapped", (Callback,), {trap.hook: strike})()
        build = train.build_trainer
        for module in (train, evaluate):
            module.build_trainer = lambda config, *, callbacks=(), **rest: build(
                config, callbacks=[*callbacks, callback], **rest
            )


def _strike_before(name: str, strike: Callable[[], None]) -> None:
    """Has a function of a module, or of a class of it, do something more before what it does."""
    module, _, path = name.partition(":")
    *owners, attribute = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    function = getattr(owner, attribute)

    def both(*args: Any, **kwargs: Any) -> Any:
        strike()
        return function(*args, **kwargs)

    setattr(owner, attribute, both)


class Runs:
    """Runs that share their data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = (*TINY, f"data.root={folder / 'data'}")

    def train(self, name: str, *settings: str, trap: Trap | None = None) -> Phase:
        folder = self.folder / name
        return phase(
            *("train", *self.settings, f"run_dir={folder}", *settings),
            trap=trap,
            output=self.folder / f"{name}.txt",
        )

    def straight(self, name: str, *settings: str) -> Path:
        """A run that nothing happens to."""
        done = self.train(name, *settings)
        assert done.code == 0, done.output
        return self.folder / name

    def interrupted(self, name: str, *settings: str, traps: list[Trap]) -> Path:
        """A run that is stopped in each of the traps and resumed every time."""
        resume: tuple[str, ...] = ()
        for trap in traps:
            # what was killed before its first checkpoint begins anew
            stopped = self.train(name, *settings, *(resume or ("overwrite=true",)), trap=trap)
            assert stopped.code == {SIGTERM: 143, SIGINT: 130}.get(trap.signal, -9), (trap, stopped)
            if trap.signal in (SIGTERM, SIGINT):
                said = "Stopped by SIGTERM" if trap.signal == SIGTERM else "Stopped by Ctrl-C"
                last_line = stopped.output.strip().splitlines()[-1]
                assert last_line.startswith(f"{said}; the state is saved. Go on"), stopped.output
                assert "Traceback" not in stopped.output
            if (self.folder / name / "checkpoints" / "last.ckpt").exists():
                resume = ("resume=last",)
        assert resume
        return self.straight(name, *settings, *resume)


# What a run must leave behind that was interrupted, compared with one that was not.
STATE = (
    "state_dict",
    "current_model_state",
    "averaging_state",
    "optimizer_states",
    "lr_schedulers",
    "global_step",
)


def differences(run: Path, other: Path) -> list[str]:
    """Where two runs differ in anything but the time they took."""
    found = []
    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = (
            torch.load(folder / "checkpoints" / name, weights_only=True) for folder in (run, other)
        )
        for key in STATE:
            found += _unequal(ours.get(key), theirs.get(key), f"{name} {key}")
    return [*found, *_unequal(curve(run), curve(other), "metrics.csv")]


def curve(run: Path) -> list[dict[str, str]]:
    """Rows of ``metrics.csv``, but for times."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.pop("train/images_per_second", None)
    return [dict(sorted((name, value) for name, value in row.items() if value)) for row in rows]


def _unequal(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    if isinstance(ours, torch.Tensor):
        if not torch.equal(ours, theirs):
            yield place
    elif isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        for key in ours:
            yield from _unequal(ours[key], theirs[key], f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _unequal(*pair, f"{place}[{number}]")
    elif ours != theirs:
        yield f"{place}: {ours} and {theirs}"
