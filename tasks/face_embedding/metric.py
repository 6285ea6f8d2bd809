"""LFW's protocol over the embeddings of photos that pairs name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from backbone.files import replacing
from tasks.common.training.metric import TaskMetric
from tasks.face_embedding.pairs import Pairs
from tasks.face_embedding.records import EmbeddingRecords
from tasks.face_embedding.verification import (
    NAMING_FAR,
    Accuracy,
    Roc,
    cross_validated,
    distance_at_far,
    roc,
    stranger_distances,
    tar_at_far,
)

FARS = {"1e-3": 1e-3, "1e-4": 1e-4}  # false accept rates, by their names in metrics


class VerificationMetric(TaskMetric):
    """Accuracy and true accept rates over pairs whose photos any process has seen.

    Every photo has a row of its own, which is filled in once: processes that have not seen it hold
    the least number there is, and the largest of their rows counts.

    Args:
        pairs: The pairs.
        dimension: Of the embeddings.
    """

    def __init__(self, pairs: Pairs, *, dimension: int) -> None:
        super().__init__()
        self.pairs = pairs
        unseen = torch.full((len(pairs.paths), dimension), -torch.inf)
        self.add_state("embeddings", unseen, dist_reduce_fx="max")

    embeddings: Tensor
    # once computed
    distances: Tensor  # float64, of the pairs that were seen
    seen: Tensor  # which pairs these are
    accuracy: Accuracy
    curve: Roc

    def update(self, records: EmbeddingRecords) -> None:
        """Fills in the rows of a batch."""
        self.embeddings[records.ids] = records.embeddings.float()

    def compute(self) -> dict[str, float]:
        """``lfw_accuracy`` with its deviation over folds, ``tar_at_far_*``, ``max_distance``.

        The last is what a face may have from a person that it is named after, by all photos of two
        people. All are 0 without pairs.
        """
        first, second = torch.from_numpy(self.pairs.photos).T
        rows = self.embeddings.cpu().double()
        self.seen = torch.isfinite(rows[first] + rows[second]).all(1)
        difference = rows[first[self.seen]] - rows[second[self.seen]]
        self.distances = difference.square().sum(1)
        if not len(self.distances):
            self.accuracy = Accuracy(np.zeros(0), np.zeros(0))
            rates = (f"tar_at_far_{far}" for far in FARS)
            return dict.fromkeys(("lfw_accuracy", "lfw_accuracy_std", *rates, "max_distance"), 0.0)
        distances, seen = self.distances.numpy(), self.seen.numpy()
        same = self.pairs.same[seen]
        self.accuracy = cross_validated(distances, same, self.pairs.fold[seen])
        self.curve = roc(distances, same)
        return {
            "lfw_accuracy": float(self.accuracy.by_fold.mean()),
            "lfw_accuracy_std": float(self.accuracy.by_fold.std()),
            **{f"tar_at_far_{name}": tar_at_far(self.curve, far) for name, far in FARS.items()},
            "max_distance": self._max_distance(rows.numpy()),
        }

    def _max_distance(self, rows: np.ndarray) -> float:
        if not self.pairs.named:
            strangers = ~self.pairs.same[self.seen.numpy()]
            return distance_at_far(self.distances.numpy()[strangers], NAMING_FAR)
        there = np.flatnonzero(np.isfinite(rows).all(1))
        strangers = stranger_distances(rows[there], [self.pairs.names[i] for i in there])
        return distance_at_far(strangers, NAMING_FAR)

    def num_negatives(self) -> int:
        """How many pairs of two people were seen."""
        return int((~self.pairs.same[self.seen.numpy()]).sum())

    def save(self, folder: Path) -> None:
        """Writes ``predictions.json`` with all distances, and draws ``pictures/roc.png``."""
        with replacing(folder / "predictions.json") as temporary:
            temporary.write_text(json.dumps(self._rows(), indent=1) + "\n", encoding="utf-8")
        if len(self.distances):
            draw_roc(self.curve, folder / "pictures" / "roc.png")

    def _rows(self) -> list[dict[str, Any]]:
        pairs = self.pairs
        return [
            {
                "photos": [str(pairs.paths[photo]) for photo in pairs.photos[index]],
                "same": bool(pairs.same[index]),
                "fold": int(pairs.fold[index]),
                "distance": distance,
            }
            for index, distance in zip(
                self.seen.nonzero().flatten().tolist(), self.distances.tolist(), strict=True
            )
        ]


def draw_roc(curve: Roc, path: Path) -> None:
    """Draws true against false accept rates, the latter on a logarithmic axis."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    some = curve.false > 0
    axes.step(curve.false[some], curve.true[some], where="post")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("false accept rate")
    axes.set_ylabel("true accept rate")
    axes.grid(alpha=0.3, which="both")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
