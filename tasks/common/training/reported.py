"""What becomes of a task's predictions: figures, files and pictures."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from heads.head import Batch
from tasks.common.data.module import DataModule
from tasks.common.images.sheets import sample_sheet
from tasks.common.training.described import Described

if TYPE_CHECKING:
    from tasks.common.training.metric import TaskMetric

DataT = TypeVar("DataT", bound=DataModule)
MetricT = TypeVar("MetricT", bound="TaskMetric")


class Verdict(NamedTuple):
    """Whether a prediction is right, and what to say of it."""

    right: bool
    words: str


class Reported(Described, Generic[DataT, MetricT]):
    """What an application says of its predictions, beside how they are learned.

    Records are predictions in the terms of the data set; entries are these as plain values.
    """

    monitor: str  # the metric by which best.ckpt is chosen; higher is better

    @abstractmethod
    def make_metric(self, data: DataT) -> MetricT:
        """What scores predictions on the validation data."""

    @abstractmethod
    def records(self, predictions: Any, batch: Batch) -> Any:
        """Predictions in original image coordinates and the data set's own class ids."""

    @abstractmethod
    def summary(self, data: DataT) -> str:
        """The last figures with what they were measured on and how, to print."""

    def cautions(self, data: DataT) -> list[str]:
        """What to bear in mind about the figures, a line each."""
        return data.cautions()

    @abstractmethod
    def entries(self, records: Any) -> list[dict[str, Any]]:
        """Records as plain values, one dictionary a photo, in the order of the batch."""

    @classmethod
    def sheet(
        cls,
        entries: Sequence[Mapping[str, Any]],
        pictures: Sequence[Path],
        *,
        data: DataModule | None = None,
    ) -> np.ndarray:
        """What was found, at a glance.

        Args:
            entries: One for each photo, with its ``file``.
            pictures: With what was drawn on these.
            data: Whose validation photos they are; None for any others.
        """
        photos = [Path(entry["file"]) for entry in entries]
        return sample_sheet(photos, pictures, title=cls.legend)

    def verdict(self, truth: Mapping[str, Any], entry: Mapping[str, Any]) -> Verdict | None:
        """Whether an entry is right, where one can say so of a photo as a whole."""
        return None
