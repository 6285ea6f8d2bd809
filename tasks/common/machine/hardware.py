"""What this machine has: cores, and instructions for bfloat16."""

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import torch
import torchvision

# Instruction sets by which a processor multiplies matrices of bfloat16, as torch names them.
BF16_INSTRUCTIONS = ("amx_bf16", "amx_tile", "avx512_bf16")


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


def bf16_instructions() -> list[str]:
    """Instruction sets of the processor that make bfloat16 faster than float32."""
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return [name for name in BF16_INSTRUCTIONS if features.get(name)]


def fastest_precision() -> str:
    """bfloat16 autocast where there are instructions for it, or else float32."""
    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = bool(bf16_instructions())
    return "bf16-mixed" if fast else "32-true"


def prediction_precisions() -> list[str]:
    """What predictions are measured in: float32, as users get them, and the fastest to ask for."""
    return list(dict.fromkeys(["32-true", fastest_precision()]))


def machine() -> dict[str, str]:
    """What measured speeds depend on, to print beside them."""
    facts = {
        "processor": _processor(),
        "cores": str(num_cores()),
        "bf16": ", ".join(bf16_instructions()) or "none",
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "python": platform.python_version(),
    }
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
