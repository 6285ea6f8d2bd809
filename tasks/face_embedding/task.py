"""Embeddings of faces: what the shared task leaves open."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from backbone.errors import InputError
from heads.embedding import EmbeddingHead
from heads.head import Batch, Features
from heads.identities import IdentityHead
from tasks.common.data.labels import LabelMap
from tasks.common.data.module import DataModule
from tasks.common.images.canvas import Canvas
from tasks.common.report import counted_of
from tasks.common.training.task import Task
from tasks.face_embedding.data import EmbeddingData
from tasks.face_embedding.describing import embedding_entries, mark_face
from tasks.face_embedding.matches import matches_sheet
from tasks.face_embedding.records import EmbeddingRecords
from tasks.face_embedding.verification import NAMING_FAR

if TYPE_CHECKING:
    from tasks.face_embedding.metric import VerificationMetric


class FaceEmbeddingTask(Task[EmbeddingData, "VerificationMetric"]):
    """Trains embeddings of faces and scores them by telling pairs apart, as LFW does.

    Args:
        add_mirror: Sum the embeddings of a face and its mirror image wherever they are used, which
            costs twice as much and is how most figures are published.
        **wiring: See ``Task``.
    """

    head: EmbeddingHead
    head_type = EmbeddingHead
    takes_teacher = True
    has_embeddings = True
    monitor = "val/lfw_accuracy"
    legend = "The part of the photo that the network looks at, to tell people apart."

    def __init__(self, *, add_mirror: bool, **wiring: Any) -> None:
        super().__init__(**wiring)
        self.add_mirror = add_mirror
        self.alignment: Mapping[str, Any] = {}
        self.max_distance: float | None = None  # between photos of one person; None until scored

    def prepare(self, stage: str, data: EmbeddingData) -> None:
        super().prepare(stage, data)
        if stage != "fit":
            return
        self.alignment = data.preparation()
        if isinstance(self.head, IdentityHead):
            self._check_people(self.head)
        elif self.teacher is None:
            raise InputError(
                "Distillation needs a teacher: teacher=onnx teacher.file=FILE for a face network, "
                "or teacher=table teacher.file=DIR for what tools/cache_teacher.py has computed"
            )

    def check_teacher(self, targets: Tensor) -> None:
        if not isinstance(self.head, IdentityHead):
            self.head.check_targets(targets)

    def _check_people(self, head: IdentityHead) -> None:
        """Refuses to learn from names that are missing, or from a teacher instead of them."""
        if head.criterion is None:
            raise InputError(
                f"head with the loss {head.loss_name} learns from whose face it is: task=facenet "
                "data.identities=DIR, with a folder for each person"
            )
        if self.teacher is not None:
            raise InputError(
                f"A teacher has nothing to say to a head with the loss {head.loss_name}, which "
                "learns from whose face it is. Leave teacher= out, or give head=embedding"
            )

    def description(self) -> dict[str, Any]:
        """Besides, how faces were aligned and how far two of one person may lie apart.

        The people are left out, whom prediction need not know.
        """
        return {
            **super().description(),
            "label_map": LabelMap((), ()).to_dict(),
            "faces": dict(self.alignment),
            "max_distance": self.max_distance,
        }

    def score_all(self) -> dict[str, float]:
        figures = super().score_all()
        self.max_distance = figures["max_distance"] or None
        return figures

    def go_on_from(self, description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        self.max_distance = description.get("max_distance")
        # checkpoints from before they said these can be resumed too
        ours = {"faces": dict(self.alignment), "max_distance": self.max_distance}
        super().go_on_from({**ours, **description}, tensors)

    def make_metric(self, data: EmbeddingData) -> "VerificationMetric":
        from tasks.face_embedding.metric import VerificationMetric  # and torchmetrics with it

        dimension = self.head.dimension
        if self.scores_teacher:
            side = self.image_size
            blank = torch.zeros(1, 3, side, side, dtype=torch.uint8)
            dimension = self.predictions({"image": blank}).shape[1]
        return VerificationMetric(data.pairs, dimension=dimension)

    def predictions(self, batch: Batch, features: Features | None = None) -> Tensor:
        """Embeddings of length 1, ``(B, D)``."""
        points: Tensor = super().predictions(batch, features)
        if self.add_mirror:
            points = points + super().predictions({**batch, "image": batch["image"].flip(-1)})
        return F.normalize(points)

    def embeddings(self, batch: Batch) -> Tensor:
        """The embeddings, ``(B, D)``."""
        return self.predictions(batch)

    def records(self, predictions: Tensor, batch: Batch) -> EmbeddingRecords:
        return EmbeddingRecords(
            batch["id"], predictions, batch["frame"], batch.get("found"), "several" in batch
        )

    def summary(self, data: EmbeddingData) -> str:
        metric = self.measured
        folds = ", ".join(
            f"{share:.4f} at {threshold:.3f}"
            for share, threshold in zip(*metric.accuracy, strict=True)
        )
        fitted = "the other folds" if len(metric.accuracy.by_fold) > 1 else "the same pairs"
        negatives = metric.num_negatives()
        pairs = counted_of(len(metric.distances), len(data.pairs), "pair", "pairs")
        rates = [
            f"  {name} {self.figures[name]:.4f}"
            for name in self.figures
            if name.startswith("tar_at_far")
        ]
        return "\n".join(
            [
                f"{self.monitor} {self.figures['lfw_accuracy']:.4f} with a deviation of "
                f"{self.figures['lfw_accuracy_std']:.4f}; folds {folds}, thresholds fitted on "
                f"{fitted}",
                f"max_distance {self.figures['max_distance']:.3f}, for naming people: "
                f"{NAMING_FAR:.1%} of the photos of two people are nearer",
                "true accept rates",
                *rates,
                f"  of {negatives} pairs of two people, which tell rates down to 1 in {negatives}: "
                "below, none of them is accepted",
                f"on {pairs} of {data.pairs.file}; alignment "
                f"{data.alignment}, {self.image_size} pixels, "
                f"{'face and mirror image summed' if self.add_mirror else 'one view of a face'}",
                *self.cautions(data),
            ]
        )

    def entries(self, records: EmbeddingRecords) -> list[dict[str, Any]]:
        """One dictionary a photo.

        It has ``face``, the corners of the square that was looked at in pixels of the photo, and
        ``embedding``; and ``found``, false where there is no face and the square is the photo's
        middle. Where all faces are looked at, these are of each in ``faces``.
        """
        found = None if records.found is None else records.found.tolist()
        entries = embedding_entries(
            records.frames.cpu().numpy(), records.embeddings.tolist(), found, side=self.image_size
        )
        return _by_photo(entries, records.ids.tolist()) if records.several else entries

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Draws each square that was looked at, and says so where it is no face."""
        mark_face(canvas, entry)

    @classmethod
    def sheet(
        cls,
        entries: Sequence[Mapping[str, Any]],
        pictures: Sequence[Path],
        *,
        data: DataModule | None = None,
    ) -> np.ndarray:
        """Who is taken for whom; the pictures of a single photo, or of another task's network."""
        pairs = data.pairs if isinstance(data, EmbeddingData) else None
        found = matches_sheet(entries, pairs) if "embedding" in entries[0] else None
        return super().sheet(entries, pictures) if found is None else found


def _by_photo(faces: Sequence[Mapping[str, Any]], photos: Sequence[int]) -> list[dict[str, Any]]:
    """Faces that were found, photo by photo; none of one where none was."""
    entries: dict[int, list[dict[str, Any]]] = {photo: [] for photo in photos}
    for face, photo in zip(faces, photos, strict=True):
        if face["found"]:
            entries[photo].append({key: value for key, value in face.items() if key != "found"})
    return [{"faces": found} for found in entries.values()]
