"""What the outputs of a network of attributes mean, without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.common.data.augmentation import plain
from tasks.common.data.labels import LabelMap
from tasks.common.data.samples import UnlabelledSet
from tasks.common.images.canvas import Canvas
from tasks.common.images.captions import scored_lines
from tasks.common.training.described import Arrays, Describer, Run, output_of


def named_attributes(
    scores: Sequence[Sequence[float]], label_map: LabelMap
) -> list[list[dict[str, Any]]]:
    """All attributes of each face as ``{"id", "name", "score"}``, the likeliest first."""
    named = []
    for row in scores:
        order = sorted(range(len(row)), key=row.__getitem__, reverse=True)
        named.append(
            [
                {"id": label_map.ids[i], "name": label_map.names[i], "score": round(row[i], 6)}
                for i in order
            ]
        )
    return named


class AttributeDescriber(Describer):
    """Says what each face shows."""

    def predict_set(self, paths: Sequence[Path]) -> UnlabelledSet:
        return UnlabelledSet(paths, plain(self.image_size))

    def entries(self, run: Run, batch: Arrays) -> list[dict[str, Any]]:
        found = output_of(run(batch["image"]), "probabilities", columns=len(self.label_map))
        named = named_attributes(found.tolist(), self.label_map)
        return [{"attributes": attributes} for attributes in named]

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        canvas.write(scored_lines(entry["attributes"]))


describer = AttributeDescriber
