"""What every detector predicts."""

from typing import NamedTuple

from torch import Tensor


class Detections(NamedTuple):
    """Detections of a batch, one row each, best first within an image.

    Attributes:
        image: Position in the batch, shape ``(N,)``.
        boxes: ``xyxy`` pixels of the network input, shape ``(N, 4)``.
        scores: In [0, 1], shape ``(N,)``.
        labels: Index into the label map, shape ``(N,)``; background does not count.
        masks: How sure each point of a grid over the box is to be of the object, in [0, 1], shape
            ``(N, G, G)``; None from heads without masks.
    """

    image: Tensor
    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor | None = None
