"""What the outputs of a network of embeddings mean, without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.images.canvas import Canvas
from tasks.common.training.described import Arrays, Describer, Run, output_of
from tasks.face_embedding.face_set import FaceSet, faces_or_middles
from tasks.faces.alignment import corners

COLOUR = (40, 220, 90)
SHORTEST = 1e-12  # of an embedding, before it is brought to length 1


def embedding_entries(
    frames: np.ndarray,
    embeddings: Sequence[Sequence[float]],
    found: Sequence[bool] | None,
    *,
    side: int,
) -> list[dict[str, Any]]:
    """One dictionary a photo.

    It has ``face``, the corners of the square that was looked at in pixels of the photo, and
    ``embedding``; and ``found``, false where there is no face and the square is the photo's middle.

    Args:
        frames: Of the pictures that the network got, ``(B, 2, 3)``.
        embeddings: A row a photo.
        found: Whether there is a face in each; None where none was searched for.
        side: Of the pictures, in pixels.
    """
    entries: list[dict[str, Any]] = [
        {
            "face": [[round(x, 2) for x in corner] for corner in corners(frame, side).tolist()],
            "embedding": [round(value, 5) for value in embedding],
        }
        for frame, embedding in zip(frames.astype(np.float64), embeddings, strict=True)
    ]
    if found is not None:
        for entry, is_there in zip(entries, found, strict=True):
            entry["found"] = is_there
    return entries


def mark_face(canvas: Canvas, entry: Mapping[str, Any]) -> None:
    """Draws each square that was looked at, and says so where it is no face."""
    for face in entry.get("faces", [entry] if "face" in entry else []):
        lines = [] if face.get("found", True) else ["no face found"]
        canvas.outline(face["face"], lines, COLOUR)


class EmbeddingDescriber(Describer):
    """Says the embedding of each photo's middle face."""

    has_embeddings = True
    legend = "The part of the photo that the network looks at, to tell people apart."

    def predict_set(self, paths: Sequence[Path]) -> FaceSet:
        return faces_or_middles(
            paths,
            alignment=str(self.data["alignment"]),
            cache=Path(str(self.data["cache"])),
            side=self.image_size,
            seed=int(self.data["seed"]),
        )

    def points(self, run: Run, batch: Arrays) -> np.ndarray:
        """Embeddings of length 1, ``(B, D)``."""
        found = output_of(run(batch["image"]), "embedding")
        if self.task["add_mirror"]:
            mirrored = np.ascontiguousarray(batch["image"][:, :, ::-1])
            found = found + output_of(run(mirrored), "embedding")
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), SHORTEST)

    def entries(self, run: Run, batch: Arrays) -> list[dict[str, Any]]:
        found = batch["found"].tolist() if "found" in batch else None
        points = self.points(run, batch).tolist()
        return embedding_entries(batch["frame"], points, found, side=self.image_size)

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        mark_face(canvas, entry)


describer = EmbeddingDescriber
