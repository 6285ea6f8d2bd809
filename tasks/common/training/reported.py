"""What becomes of a task's predictions: figures, files and pictures."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from heads.head import Batch
from tasks.common.data.module import DataModule
from tasks.common.images.canvas import Canvas
from tasks.common.images.sheets import sample_sheet
from tasks.common.training.metric import TaskMetric

DataT = TypeVar("DataT", bound=DataModule)
MetricT = TypeVar("MetricT", bound=TaskMetric)


class Verdict(NamedTuple):
    """Whether a prediction is right, and what to say of it."""

    right: bool
    words: str


class Reported(ABC, Generic[DataT, MetricT]):
    """What an application says of its predictions, beside how they are learned.

    Records are predictions in the terms of the data set; entries are these as plain values.
    """

    monitor: str  # the metric by which best.ckpt is chosen; higher is better
    has_heat_maps: bool = False  # whether it can show what decided its predictions
    has_embeddings: bool = False  # whether entries have an ``embedding``, or faces with one
    has_places: bool = False  # whether entries have a ``location`` on the Earth
    legend: str = ""  # says what is drawn, above a sheet of pictures

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

    def draw(
        self, pixels: np.ndarray, entry: Mapping[str, Any], *, size: tuple[int, int] | None = None
    ) -> np.ndarray:
        """An entry drawn on its photo, RGB of shape ``(H, W, 3)``; small photos are enlarged.

        Args:
            pixels: Of the photo.
            entry: In pixels of the photo as a whole.
            size: Its width and height, if it was read at a reduced scale.
        """
        canvas = Canvas(pixels, size=size)
        self.mark(canvas, entry)
        return canvas.picture()

    @abstractmethod
    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Draws an entry on the canvas with its photo."""

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

    def illustrate(self, entry: Mapping[str, Any], path: Path) -> None:
        """Writes what else shows an entry beside its picture ``path``; nothing unless it does."""
