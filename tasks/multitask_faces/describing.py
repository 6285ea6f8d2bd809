"""What the outputs of a network of attributes and embeddings mean, without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.common.images.canvas import Canvas
from tasks.common.multitask.describing import DescribedParts, RunOfParts, joined
from tasks.common.training.described import Arrays, Describer, Run
from tasks.face_attributes.describing import AttributeDescriber
from tasks.face_embedding.describing import EmbeddingDescriber
from tasks.face_embedding.face_set import FaceSet


class FacesDescriber(Describer):
    """Says the attributes and the embedding of each photo's middle face."""

    legend = "What the parts of one network say of each photo, and how sure they are of it."

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.embedding = self._part(EmbeddingDescriber, "embedding")
        self.parts: dict[str, Describer] = {
            "attributes": self._part(AttributeDescriber, "attributes"),
            "embedding": self.embedding,
        }

    def _part(self, kind: Any, name: str) -> Any:
        return kind(
            self.label_map.of(name),
            image_size=self.image_size,
            task=self.task["parts"][name],
            data=self.data[name],
            tables=self.tables,
        )

    def predict_set(self, paths: Sequence[Path]) -> FaceSet:
        return self.embedding.predict_set(paths)

    def entries(self, run: Run, batch: Arrays) -> list[dict[str, Any]]:
        shared = RunOfParts(run, batch["image"])
        said = {name: part.entries(shared.of(name), batch) for name, part in self.parts.items()}
        photos = zip(*said.values(), strict=True)
        return [joined(dict(zip(said, photo, strict=True))) for photo in photos]

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        DescribedParts(self.parts).mark(canvas, entry)


describer = FacesDescriber
