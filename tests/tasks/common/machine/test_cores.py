"""Threads and loading processes together never take more cores than a run may use."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tasks.common.machine.cores import MAX_WORKERS, Share, share_of
from tests.commands import ROOT
from tests.small_data import TRAIN, write_coco

# Trains, limited to some cores and with some threads; at its end it says what torch works with.
TRAINING = """
import os, sys
cores = {cores}
if cores:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
sys.path.insert(0, {root!r})
import torch
from torch.utils.data import DataLoader

made = DataLoader.__init__

def make(self, *args, num_workers, **rest):
    print("processes:", num_workers)
    made(self, *args, num_workers=num_workers, **rest)

DataLoader.__init__ = make
from tools.train import main
main()
print("threads:", torch.get_num_threads())
"""


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("cores", [1, 2, 3, 4, 6, 7, 16, 64, 256])
def test_a_share_is_within_the_cores_and_has_a_thread(cores: int, processes: int) -> None:
    share = share_of(cores, processes=processes)
    assert share.threads >= 1 and share.workers <= MAX_WORKERS
    assert processes * sum(share) <= max(cores, processes)
    assert sum(share) == max(cores // processes, 1)  # none is left idle


def test_more_cores_never_mean_less_of_either() -> None:
    for fewer, more in pairwise(share_of(cores) for cores in range(1, 100)):
        assert more.threads >= fewer.threads and more.workers >= fewer.workers


def test_processes_that_were_asked_for_leave_the_other_cores_to_threads() -> None:
    assert share_of(8, workers=0) == Share(8, 0)
    assert share_of(8, workers=2) == Share(6, 2)
    assert share_of(8, workers=20) == Share(1, 20)


def test_beside_a_gpu_all_cores_load() -> None:
    assert share_of(4, gpu=True) == Share(4, 4)
    assert share_of(64, gpu=True, processes=8) == Share(64, 8)
    assert share_of(64, gpu=True, workers=16) == Share(64, 16)


def said_by_a_run(folder: Path, *settings: str, cores: int, **environment: str) -> list[str]:
    """What a training of one step says of cores, threads and processes."""
    given = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    script = folder / "train.py"
    script.write_text(TRAINING.format(cores=cores, root=str(ROOT)))
    wanted = [setting for setting in TRAIN if "num_workers" not in setting]
    done = subprocess.run(
        [sys.executable, script, *wanted, f"data.root={write_coco(folder / 'data')}", *settings],
        cwd=folder,
        env=given | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = ("for the network", "threads:", "processes:")
    lines = [line for line in done.stdout.splitlines() if any(each in line for each in told)]
    return list(dict.fromkeys(line.partition(" (")[0] for line in lines))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux limits a process")
def test_a_run_on_one_core_has_one_thread_and_no_process_beside_it(tmp_path: Path) -> None:
    assert said_by_a_run(tmp_path, cores=1) == [
        "1 core: 1 thread for the network, no process of its own for loading",
        "processes: 0",
        "threads: 1",
    ]


def test_what_the_user_says_is_done(tmp_path: Path) -> None:
    """Of two cores or more, a run would take two threads, or a process beside one."""
    first, *rest = said_by_a_run(tmp_path, "data.num_workers=0", cores=0, OMP_NUM_THREADS="1")
    assert first.endswith(": 1 thread for the network, no process of its own for loading")
    assert rest == ["processes: 0", "threads: 1"]
