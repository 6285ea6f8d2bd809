"""What a run says while it goes, on a terminal and to a file."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.commands import ROOT, run_inside
from tests.small_runs import DRAWN, NARROW

TINY = (
    *("task=imagenet", *DRAWN, "data.num_val=2", "data.image_size=32", NARROW),
    *("pictures.count=0", "trainer.max_epochs=3", "trainer.check_val_every_n_epoch=2"),
    "run_dir=run",
)
LINE = re.compile(
    r"epoch (?P<epoch>\d)  step (?P<step>\d) of 6  (train/images_per_second [\d.]+  )?"
    r"train/loss [\d.]+  (?P<figure>val/accuracy [\d.]+  )?\d+ min left"
)
COLUMNS = 80


def on_a_terminal(*arguments: str, cwd: Path) -> str:
    """What a command shows on a terminal of 80 columns, with its control sequences."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "train.py"), *arguments],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.STDOUT,
        env=os.environ | {"COLUMNS": str(COLUMNS), "TERM": "xterm"},
    )
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            shown += os.read(ours, 1 << 16)
        except OSError:  # Linux says so when the last process has closed the other end
            break
    os.close(ours)
    assert process.wait() == 0, shown.decode()
    return shown.decode()


def screen(shown: str) -> list[str]:
    """The lines that stay, of one that goes up and erases lines as the bar does."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", shown):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part[0] not in "\x1b\r":
            lines[row] += part
    return lines


def test_a_terminal_keeps_a_line_for_each_epoch_above_the_bar(tmp_path: Path) -> None:
    shown = on_a_terminal(*TINY, cwd=tmp_path)
    said = [match for line in screen(shown) if (match := LINE.fullmatch(line.strip()))]
    assert [(match["epoch"], match["step"]) for match in said] == [
        *(("1", "2"), ("2", "4"), ("3", "6")),
    ]
    assert [bool(match["figure"]) for match in said] == [False, True, False]
    bars = re.findall(r"Epoch (\d)/3 [^\r\n]* (\d)/2 [^\r\n]*\d:\d\d:\d\d left", shown)
    assert {epoch for epoch, _ in bars} <= {"1", "2", "3"} and len(bars) >= 3
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert max(len(line) for line in re.split(r"[\r\n]+", plain) if "━" in line) <= COLUMNS
    assert "Go on:" in [line.strip() for line in screen(shown)]  # a command may take several lines


def test_a_log_file_gets_the_same_lines(tmp_path: Path) -> None:
    done = run_inside("train", *TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = [match for line in done.stdout.splitlines() if (match := LINE.fullmatch(line))]
    assert [bool(match["figure"]) for match in said] == [False, True, False]
    assert "\x1b" not in done.stdout and "━" not in done.stdout
