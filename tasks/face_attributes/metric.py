"""Mean average precision over attributes, by attribute and by group of faces."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from backbone.files import replacing
from tasks.common.charts.precision_recall import PrecisionRecall, draw_precision_recall
from tasks.common.data.labels import LabelMap
from tasks.common.training.metric import TaskMetric
from tasks.face_attributes.describing import named_attributes
from tasks.face_attributes.faces import LabelledFaces
from tasks.face_attributes.records import AttributeRecords


class AttributeFigures(NamedTuple):
    """A line of the report; without ``faces`` that have the attribute, its figure is NaN."""

    attribute: str
    faces: int  # that are known to have it
    known: int
    average_precision: float

    @property
    def telling(self) -> bool:
        """Whether some faces have it and some lack it."""
        return 0 < self.faces < self.known


class GroupFigures(NamedTuple):
    """Another: the mean over the same ``attributes`` for all groups of a division."""

    division: str
    group: str
    faces: int
    attributes: int
    mean_ap: float


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Precision averaged over recall: the sum of each step's precision times its rise in recall.

    Faces of equal score are taken together, since nothing orders them. NaN without a positive.

    Args:
        scores: Higher is likelier, ``(N,)``.
        truth: Whether it is so, bool ``(N,)``.

    >>> average_precision(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))
    0.8333333333333333
    """
    if not truth.any():
        return float("nan")
    _, hits, precision = _steps(scores, truth)
    return float((precision * np.diff(hits, prepend=0)).sum() / hits[-1])


def _steps(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each score that there is, from the highest, with its hits and precision."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(truth[order])[ends]
    return scores[order][ends], hits, hits / (ends + 1)


class AttributesMetric(TaskMetric):
    """Average precision over all faces that any process has seen, each counted once.

    Every face has a row of its own, which one process fills in: the largest of the rows that the
    processes hold is the one that was filled, however many filled it.

    Args:
        faces: The faces and their attributes.
        network: The network's attributes, which are looked up by name; one that it does not know
            has an average precision of 0.
    """

    def __init__(self, faces: LabelledFaces, *, network: LabelMap) -> None:
        super().__init__()
        self.faces = faces
        self.network = network
        shape = len(faces), len(network)
        self.add_state("scores", torch.full(shape, -1.0), dist_reduce_fx="max")
        self.add_state("seen", torch.zeros(len(faces)), dist_reduce_fx="max")

    scores: Tensor
    seen: Tensor
    # Of all processes, once computed, which outlives a reset.
    found: np.ndarray  # indices of faces, ``(M,)``
    network_scores: np.ndarray  # of them, in the order of the network's attributes, ``(M, K)``
    found_scores: np.ndarray  # in the order of the data set's attributes, ``(M, K)``

    def update(self, records: AttributeRecords) -> None:
        """Fills in the rows of a batch."""
        self.scores[records.ids] = records.scores.float()
        self.seen[records.ids] = 1

    def compute(self) -> dict[str, float]:
        """``mean_ap`` over the ``num_attributes`` that tell faces apart, and ``accuracy``.

        Those are the ones that a face has and another lacks: an attribute of all has an average
        precision of 1, whatever the network says.

        The last is the share of labels that are right at a probability of one half, averaged over
        attributes, as it is often published. All are 0 if no face was seen.
        """
        scores = self.scores.cpu().numpy()
        self.found = np.flatnonzero(self.seen.cpu().numpy())
        self.network_scores = scores[self.found]
        number = {name: index for index, name in enumerate(self.network.names)}
        columns = [number.get(name) for name in self.faces.label_map.names]
        missing = np.full(len(self.found), -1, np.float32)
        self.found_scores = np.stack(
            [missing if i is None else self.network_scores[:, i] for i in columns], axis=1
        )
        precisions = [row.average_precision for row in self.by_attribute() if row.telling]
        return {
            "mean_ap": float(np.mean(precisions)) if precisions else 0.0,
            "num_attributes": len(precisions),
            "accuracy": self._accuracy(),
        }

    def _accuracy(self) -> float:
        truth = self.faces.targets[self.found]
        known = ~np.isnan(truth)
        right = ((self.found_scores >= 0.5) == (truth == 1)) & known
        some = known.any(axis=0)
        shares = right.sum(axis=0)[some] / known.sum(axis=0)[some]
        return float(shares.mean()) if len(shares) else 0.0

    def by_attribute(self) -> list[AttributeFigures]:
        """Each attribute on all faces seen."""
        return self._figures(np.arange(len(self.found)))

    def _figures(self, rows: np.ndarray) -> list[AttributeFigures]:
        """Each attribute on some of the faces seen."""
        figures = []
        for column, name in enumerate(self.faces.label_map.names):
            truth = self.faces.targets[self.found[rows], column]
            known = ~np.isnan(truth)
            there = truth[known] == 1
            scores = self.found_scores[rows, column][known]
            unknown = name not in self.network.names and there.any()
            precision = 0.0 if unknown else average_precision(scores, there)
            figures.append(AttributeFigures(name, int(there.sum()), len(there), precision))
        return figures

    def precision_recall(self) -> list[PrecisionRecall]:
        """The curve of each attribute that tells faces apart and the network knows."""
        curves = []
        for column, row in enumerate(self.by_attribute()):
            if row.telling and row.attribute in self.network.names:
                truth = self.faces.targets[self.found, column]
                known = ~np.isnan(truth)
                scores, hits, precision = _steps(
                    self.found_scores[known, column], truth[known] == 1
                )
                recall, area = hits / hits[-1], row.average_precision
                curves.append(PrecisionRecall(row.attribute, recall, precision, scores, area))
        return curves

    def by_group(self) -> list[GroupFigures]:
        """The mean on each group, over attributes that some in every group have and some lack.

        Over others it could not be compared: all faces of a group that shares an attribute are
        right about it.
        """
        return [row for name in self.faces.groups for row in self._by_group(name)]

    def _by_group(self, division: str) -> list[GroupFigures]:
        group_of = self.faces.groups[division][self.found]
        members = {
            group: np.flatnonzero(group_of == group) for group in np.unique(group_of) if group
        }
        figures = {group: self._figures(rows) for group, rows in members.items()}
        telling = [
            column
            for column in range(len(self.faces.label_map))
            if all(rows[column].telling for rows in figures.values())
        ]
        return [
            GroupFigures(
                division,
                str(group),
                len(members[group]),
                len(telling),
                float(np.mean([rows[column].average_precision for column in telling]))
                if telling
                else float("nan"),
            )
            for group, rows in figures.items()
        ]

    def save(self, folder: Path) -> None:
        """Writes ``predictions.json``, ``attributes.csv`` and ``groups.csv``, and a chart."""
        with replacing(folder / "predictions.json") as temporary:
            temporary.write_text(json.dumps(self._rows(), indent=1) + "\n", encoding="utf-8")
        _write_csv(folder / "attributes.csv", AttributeFigures._fields, self.by_attribute())
        _write_csv(folder / "groups.csv", GroupFigures._fields, self.by_group())
        curves = self.precision_recall()
        draw_precision_recall(curves, folder / "precision_recall.png", title="attributes of faces")

    def _rows(self) -> list[dict[str, Any]]:
        named = named_attributes(self.network_scores.tolist(), self.network)
        return [
            {"file": str(self.faces.path(index)), "attributes": attributes}
            for index, attributes in zip(self.found.tolist(), named, strict=True)
        ]


def _write_csv(path: Path, columns: tuple[str, ...], rows: Sequence[Any]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
