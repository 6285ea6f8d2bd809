"""Where a network computes, and how exactly, without Lightning's trainer."""

import contextlib
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch

MIXED = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class Computing(NamedTuple):
    """A device and a precision.

    Attributes:
        device: That the network is on.
        precision: Of its passes, as Lightning calls it.
    """

    device: torch.device
    precision: str = "32-true"

    def autocast(self) -> AbstractContextManager[object]:
        """For a pass through the network."""
        if self.precision not in MIXED:
            return contextlib.nullcontext()
        dtype = MIXED[self.precision]
        return torch.autocast(self.device.type, dtype=dtype, cache_enabled=False)

    def move(self, value: Any) -> Any:
        """Tensors on the device, also those in dicts, lists and tuples."""
        if isinstance(value, torch.Tensor):
            return value.to(self.device, non_blocking=self.device.type == "cuda")
        if isinstance(value, dict):
            return {key: self.move(child) for key, child in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self.move, value))
        return value
