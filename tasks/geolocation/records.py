"""What a network of cells says of photos."""

from typing import NamedTuple

from torch import Tensor


class CellRecords(NamedTuple):
    """The likeliest cells of each photo, best first.

    Attributes:
        ids: Index of the photo in its split, ``(B,)``.
        cells: Among the finest, ``(B, K)``.
        scores: Their probabilities, ``(B, K)``.
        probabilities: Of all of the finest, ``(B, C)``, where albums are scored.
    """

    ids: Tensor
    cells: Tensor
    scores: Tensor
    probabilities: Tensor | None = None
