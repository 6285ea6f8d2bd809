"""How many cores this process may use."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def num_cores(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """Cores that this process may use, which a container or a queue may have limited.

    Args:
        cgroups: Where Linux shows its groups of processes and what time they may take.
        own: File that names those of this process.
    """
    quotas = [quota for folder in _own_folders(cgroups, own) for quota in _quotas(folder)]
    return max(math.floor(min([num_visible_cores(), *quotas])), 1)


def num_visible_cores() -> int:
    """Cores that this process may run on, however little of their time it may take."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13
        cores: int | None = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count()
    return cores or 1


def _own_folders(cgroups: Path, own: Path) -> Iterator[Path]:
    """The groups that this process is in, each with all above it: any of them may be limited."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for top in {cgroups / controllers, cgroups / "cpu"} if controllers else {cgroups}:
            inside = Path(name.lstrip("/"))  # not there in a container, which sees its own as top
            yield from (top / folder for folder in (inside, *inside.parents))


def _quotas(folder: Path) -> Iterator[float]:
    """The cores whose time a group may take, if it is limited, in either version's files."""
    for files in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
        try:
            quota, period = " ".join(
                (folder / file).read_text(encoding="utf-8") for file in files
            ).split()
        except (OSError, ValueError):
            continue
        if quota not in ("max", "-1"):
            yield int(quota) / int(period)
