"""What a network of embeddings says of photos."""

from typing import NamedTuple

from torch import Tensor


class EmbeddingRecords(NamedTuple):
    """Embeddings of photos.

    Attributes:
        ids: Index of each photo, ``(B,)``.
        embeddings: Of length 1, ``(B, D)``.
        frames: Where each face is, as batches have it, ``(B, 2, 3)``.
        found: Whether there is a face, bool ``(B,)``; None where none was searched for.
        several: Whether a photo may have several faces, one after the other.
    """

    ids: Tensor
    embeddings: Tensor
    frames: Tensor
    found: Tensor | None = None
    several: bool = False
