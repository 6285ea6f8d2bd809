"""Runs a training as two processes that somebody else starts: torchrun, or SLURM."""

import os
import socket
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from lightning_utilities.core.rank_zero import rank_zero_only

from tests.phases import SERVER, run_command

NUM_RANKS = 2


def torchrun(rank: int, port: int) -> dict[str, object]:
    """What ``torchrun --nproc-per-node 2`` tells a process."""
    everywhere = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GROUP_RANK": 0}
    sizes = {"WORLD_SIZE": NUM_RANKS, "LOCAL_WORLD_SIZE": NUM_RANKS}
    return {**everywhere, **sizes, "TORCHELASTIC_RUN_ID": "x", "RANK": rank, "LOCAL_RANK": rank}


def slurm(rank: int, port: int) -> dict[str, object]:
    """What ``srun --ntasks-per-node 2`` tells a process."""
    of_the_job = {"SLURM_JOB_ID": port, "SLURM_JOB_NAME": "x", "SLURM_NTASKS": NUM_RANKS}
    place = {"SLURM_NTASKS_PER_NODE": NUM_RANKS, "SLURM_NODELIST": "127.0.0.1", "SLURM_NODEID": 0}
    return {
        **of_the_job,
        **place,
        **{"SLURM_PROCID": rank, "SLURM_LOCALID": rank, "MASTER_PORT": port},
    }


def start(
    arguments: Sequence[str],
    outputs: Path,
    *,
    told: Callable[[int, int], dict[str, object]],
    first: Callable[[], None] | None = None,
) -> list[BaseProcess]:
    """Starts the processes of a training.

    Args:
        arguments: Of ``train``.
        outputs: A folder for what each says, in ``0.txt`` and ``1.txt``.
        told: From a process's number and a port to its environment.
        first: Called in each before anything else.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outputs.mkdir(exist_ok=True)
    processes: list[BaseProcess] = [
        SERVER.Process(target=_run, args=(rank, list(arguments), told(rank, port), outputs, first))
        for rank in range(NUM_RANKS)
    ]
    for process in processes:
        process.start()
    return processes


def codes(processes: Sequence[BaseProcess]) -> list[int | None]:
    """Their exit codes, once all have ended."""
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]


def _run(
    rank: int,
    arguments: list[str],
    told: dict[str, object],
    outputs: Path,
    first: Callable[[], None] | None,
) -> None:
    os.environ.update({name: str(value) for name, value in told.items()})
    # what Lightning reads from that when it is imported, which the server has done before
    rank_zero_only.rank = rank  # type: ignore[attr-defined]
    if first:
        first()
    run_command("train", arguments, output=outputs / f"{rank}.txt")
