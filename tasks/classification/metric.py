"""Top-1 and top-5 accuracy, by class and by pair of classes."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from backbone.files import replacing
from tasks.classification.confusion import Matrix, confusion_matrix, draw_confusion
from tasks.classification.describing import TOP
from tasks.classification.records import ClassificationRecords
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tasks.common.training.metric import TaskMetric


class Confusion(NamedTuple):
    """How many ``photos`` of class ``truth`` were taken for class ``taken``."""

    truth: str
    taken: str
    photos: int


class ClassFigures(NamedTuple):
    """A line of the report: ``right`` of ``photos`` of a class, and of those ``taken`` for it.

    ``recall`` is the share of the former, ``precision`` of the latter, and ``f1`` their harmonic
    mean; of none, a share is 0.
    """

    name: str
    photos: int
    right: int
    taken: int
    precision: float
    recall: float
    f1: float


def class_figures(name: str, photos: int, right: int, taken: int) -> ClassFigures:
    """The shares that counts make.

    >>> class_figures("cat", 4, 2, 3)[3:]
    (3, 0.6666666666666666, 0.5, 0.5714285714285714)
    """
    precision, recall = right / max(taken, 1), right / max(photos, 1)
    f1 = 2 * right / max(photos + taken, 1)
    return ClassFigures(name, photos, right, taken, precision, recall, f1)


class ClassificationMetric(TaskMetric):
    """Accuracy over all photos that any process has seen, each counted once.

    Every photo has a row of its own, which one process fills in: the largest of the rows that the
    processes hold is the one that was filled, however many filled it.

    Args:
        photos: The photos and their classes.
        network: The network's classes, which a photo's class is looked up in by name.
    """

    def __init__(self, photos: Photos, *, network: LabelMap) -> None:
        super().__init__()
        self.photos = photos
        self.network = network
        shape = len(photos), min(TOP, len(network))
        self.add_state("classes", torch.full(shape, -1), dist_reduce_fx="max")
        self.add_state("scores", torch.full(shape, -1.0), dist_reduce_fx="max")

    classes: Tensor
    scores: Tensor
    found: ClassificationRecords  # of all processes, once computed

    def update(self, records: ClassificationRecords) -> None:
        """Fills in the rows of a batch."""
        self.classes[records.ids] = records.classes
        self.scores[records.ids] = records.scores.float()

    def compute(self) -> dict[str, float]:
        """``accuracy``, ``accuracy_top5``, and means over the classes that have photos.

        ``balanced_accuracy`` is the mean of their recalls. All are 0 if no photo was seen.
        """
        seen = (self.classes[:, 0] >= 0).nonzero().flatten()
        self.found = ClassificationRecords(
            *(x.cpu() for x in (seen, self.classes[seen], self.scores[seen]))
        )
        right = self._right()
        photos = max(len(right), 1)
        return {
            "accuracy": int(right[:, 0].sum()) / photos,
            "accuracy_top5": int(right.sum()) / photos,
            "balanced_accuracy": self._mean("recall"),
            "macro_precision": self._mean("precision"),
            "macro_recall": self._mean("recall"),
            "macro_f1": self._mean("f1"),
        }

    def _mean(self, figure: str) -> float:
        values = [getattr(row, figure) for row in self.by_class()]
        return float(np.mean(values)) if values else 0.0

    def _right(self) -> np.ndarray:
        """Whether each of a photo's likeliest classes is its own, for all seen, ``(M, TOP)``."""
        number = {name: index for index, name in enumerate(self.network.names)}
        wanted = np.array([number.get(name, -1) for name in self.photos.label_map.names])
        right: np.ndarray = self.found.classes.numpy() == wanted[self._truth()][:, None]
        return right

    def _truth(self) -> np.ndarray:
        """The data set's class of each photo seen, ``(M,)``."""
        return self.photos.targets[self.found.ids.numpy()]

    def by_class(self) -> list[ClassFigures]:
        """What is right of each class that has photos."""
        truth = self._truth()
        right = self._right()[:, 0]
        names = self.photos.label_map.names
        photos = np.bincount(truth, minlength=len(names)).tolist()
        hits = np.bincount(truth[right], minlength=len(names)).tolist()
        likeliest = np.bincount(self.found.classes[:, 0].numpy(), minlength=len(self.network))
        taken = dict(zip(self.network.names, likeliest.tolist(), strict=True))
        return [
            class_figures(name, photos[label], hits[label], taken.get(name, 0))
            for label, name in enumerate(names)
            if photos[label]
        ]

    def confusions(self) -> list[Confusion]:
        """Which classes were taken for which others, the most frequent first."""
        wrong = ~self._right()[:, 0]
        truth = self._truth()[wrong]
        taken = self.found.classes[:, 0].numpy()[wrong]
        pairs = Counter(zip(truth.tolist(), taken.tolist(), strict=True))
        names = self.photos.label_map.names
        return [
            Confusion(names[label], self.network.names[other], photos)
            for (label, other), photos in pairs.most_common()
        ]

    def matrix(self) -> Matrix:
        """The photos seen by their class and by the likeliest one."""
        names = self.photos.label_map.names
        truth = [names[label] for label in self._truth().tolist()]
        taken = [self.network.names[label] for label in self.found.classes[:, 0].tolist()]
        return confusion_matrix(truth, taken, names)

    def save(self, folder: Path) -> None:
        """Writes ``predictions.json``, ``classes.csv`` and ``confusions.csv``, and their chart."""
        with replacing(folder / "predictions.json") as temporary:
            temporary.write_text(json.dumps(self._rows(), indent=1) + "\n", encoding="utf-8")
        _write_csv(folder / "classes.csv", ClassFigures._fields, self.by_class())
        _write_csv(folder / "confusions.csv", Confusion._fields, self.confusions())
        draw_confusion(self.matrix(), folder / "confusion.png")

    def _rows(self) -> list[dict[str, Any]]:
        names = self.photos.label_map.names
        return [
            {
                "file": str(self.photos.path(index)),
                "class": names[self.photos.targets[index]],
                "classes": named,
            }
            for index, named in zip(
                self.found.ids.tolist(), self.found.named(self.network), strict=True
            )
        ]


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[Any]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
