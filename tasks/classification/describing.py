"""What a classifier's outputs mean, without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.data.augmentation import plain
from tasks.common.data.labels import LabelMap
from tasks.common.data.samples import UnlabelledSet
from tasks.common.images.canvas import Canvas
from tasks.common.images.captions import scored_lines
from tasks.common.training.described import Arrays, Describer, Run, output_of

TOP = 5


def named_classes(
    classes: Sequence[Sequence[int]], scores: Sequence[Sequence[float]], label_map: LabelMap
) -> list[list[dict[str, Any]]]:
    """The likeliest classes of each photo as ``{"id", "name", "score"}``, best first.

    Args:
        classes: Their numbers, a row a photo.
        scores: Likewise.
        label_map: The network's.
    """
    return [
        [
            {"id": label_map.ids[label], "name": label_map.names[label], "score": score}
            for label, score in zip(*row, strict=True)
        ]
        for row in zip(classes, scores, strict=True)
    ]


class ClassDescriber(Describer):
    """Says the likeliest classes of each photo."""

    def predict_set(self, paths: Sequence[Path]) -> UnlabelledSet:
        return UnlabelledSet(paths, plain(self.image_size))

    def entries(self, run: Run, batch: Arrays) -> list[dict[str, Any]]:
        found = output_of(run(batch["image"]), "probabilities", columns=len(self.label_map))
        classes = np.argsort(-found, axis=1, kind="stable")[:, :TOP]
        scores = np.take_along_axis(found, classes, axis=1)
        named = named_classes(classes.tolist(), scores.tolist(), self.label_map)
        return [{"classes": classes} for classes in named]

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        canvas.write(scored_lines(entry["classes"]))


describer = ClassDescriber
