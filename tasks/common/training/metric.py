"""What a task is scored by."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from torchmetrics import Metric


class TaskMetric(Metric, ABC):
    """Named figures over all photos of a validation, gathered from all processes.

    ``update`` takes a task's records, and ``compute`` gives the figures.
    """

    full_state_update = False
    higher_is_better = True

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """The figures by name."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes what they were computed from, for others to check, and charts of it."""

    @abstractmethod
    def update(self, records: Any) -> None:
        """Adds the records of a batch."""
