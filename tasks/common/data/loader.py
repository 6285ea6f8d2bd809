"""PyTorch's loader, whose processes end with the command."""

from typing import Any

from torch.utils.data import DataLoader

from tasks.common.machine.workers import end_with_command, signals_held_back


class Loader(DataLoader[Any]):
    """PyTorch's loader, whose processes are known to ``end_workers``."""

    def __iter__(self) -> Any:
        with signals_held_back():
            iterator = super().__iter__()
        if self.num_workers:
            end_with_command(iterator)
        return iterator
