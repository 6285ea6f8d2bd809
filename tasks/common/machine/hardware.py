"""What this machine has: cores, and instructions for bfloat16."""

import platform
from importlib.metadata import version
from pathlib import Path

import torch

from tasks.common.machine.core_count import num_cores

# Instruction sets by which a processor multiplies matrices of bfloat16, as torch names them.
BF16_INSTRUCTIONS = ("amx_bf16", "amx_tile", "avx512_bf16")


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
        "torchvision": version("torchvision"),
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
