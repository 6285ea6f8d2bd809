"""How a run shares out the cores that it may use: threads for its network, processes for loading.

Threads wait for each other at the end of every layer, and spin meanwhile. One that has to share
its core with a loading process, or with anything else, holds up all others: on two busy cores, a
training with two threads and two loading processes fell to a tenth of its speed.
"""

import logging
import os
from typing import NamedTuple

import cv2
from omegaconf import DictConfig

from tasks.common.machine.core_count import num_cores, num_visible_cores
from tasks.common.report import counted

MAX_WORKERS = 8
# A process loads photos for two threads even if the network is the smallest one.
CORES_PER_WORKER = 3
PROCESSES = "MOBILENET_PROCESSES"  # of this run on this machine, for those that it starts

logger = logging.getLogger(__name__)


class Share(NamedTuple):
    """What one process of a run takes."""

    threads: int
    workers: int


def share_of(
    cores: int, *, processes: int = 1, gpu: bool = False, workers: int | None = None
) -> Share:
    """What each of a run's processes takes, so that together they never exceed the cores.

    It depends on what is allowed and not on how busy it is, or a resumed run would differ.

    Args:
        cores: That the run may use.
        processes: Of the run on this machine.
        gpu: Whether the network is elsewhere, so that the cores are there for loading.
        workers: If the user has said how many.

    >>> share_of(1), share_of(2), share_of(16)
    (Share(threads=1, workers=0), Share(threads=1, workers=1), Share(threads=11, workers=5))
    """
    if gpu:
        return Share(cores, min(cores, MAX_WORKERS) if workers is None else workers)
    cores = max(cores // processes, 1)
    if workers is None:
        workers = min(max(cores // CORES_PER_WORKER, 1), MAX_WORKERS, cores - 1)
    return Share(max(cores - workers, 1), workers)


def take_all_cores() -> int:
    """Has this process take its cores where no other loads photos, and says so.

    Returns:
        Threads for a network that torch does not run: those of the user's environment, or one for
        each core.
    """
    given = os.environ.get("OMP_NUM_THREADS", "")
    threads = int(given) if given.isdigit() and int(given) else num_cores()
    logger.info("%s", _line(Share(threads, 0)))
    return threads


def default_workers() -> int:
    """Loading processes where the user has not said how many."""
    return _share().workers


def take_cores(config: DictConfig, *, loads: bool = True) -> None:
    """Sets the threads of this process, and says what it takes.

    Args:
        config: Of a command that runs a network. Its own settings and the user's environment win.
        loads: Whether processes load photos meanwhile; otherwise all cores are the network's.
    """
    if "LOCAL_RANK" not in os.environ:
        os.environ[PROCESSES] = str(_devices(config.get("trainer")))
    workers = config.data.get("num_workers") if loads else 0
    share = _share(workers if isinstance(workers, int) else None)  # the data refuse all else
    import torch  # which a network in a file goes without

    if not torch.cuda.is_available() and not _threads_are_given():
        torch.set_num_threads(share.threads)
        cv2.setNumThreads(share.threads)
        if _processes() > 1:  # or Lightning would, as if loading took no cores
            os.environ["OMP_NUM_THREADS"] = str(share.threads)
    logger.info("%s", _line(share._replace(threads=torch.get_num_threads())))


def _line(taken: Share) -> str:
    threads = counted(taken.threads, "thread", "threads")
    loading = counted(taken.workers, "process", "processes") if taken.workers else "no process"
    each = f", for each of {_processes()} processes" if _processes() > 1 else ""
    return (
        f"{counted(num_cores(), 'core', 'cores')}: {threads} for the network, {loading} of its own "
        f"for loading{each} (OMP_NUM_THREADS=N and data.num_workers=N change that)"
    )


def _threads_are_given() -> bool:
    """Whether the user has set them, or whoever calls us; torch takes all cores by itself."""
    import torch

    named = {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} & os.environ.keys()
    return bool(named) or torch.get_num_threads() != num_visible_cores()


def _devices(trainer: DictConfig | None) -> int:
    """Processes that the settings ask for."""
    devices = trainer.devices if trainer else 1
    return max(devices, 1) if isinstance(devices, int) else 1


def _processes() -> int:
    """Of this run on this machine; torchrun names them by itself."""
    return int(os.environ.get(PROCESSES) or os.environ.get("LOCAL_WORLD_SIZE") or 1)


def _share(workers: int | None = None) -> Share:
    import torch

    gpu = torch.cuda.is_available()
    return share_of(num_cores(), processes=_processes(), gpu=gpu, workers=workers)
