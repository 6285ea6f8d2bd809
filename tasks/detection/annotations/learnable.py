"""Whether there is something to learn from boxes at a network's size."""

import numpy as np

from backbone.errors import InputError
from tasks.common.report import counted, counted_of
from tasks.detection.annotations.arrays import Annotations


def check_learnable(annotations: Annotations, *, side: int) -> None:
    """Refuses training photos without an object that a network can see.

    Args:
        annotations: To train on.
        side: Of the network's square input, in pixels.

    Raises:
        InputError: If all photos are empty, all boxes are crowds or all are under a pixel.
    """
    if not len(annotations):
        raise InputError("There are no photos to train on: data.val_share holds out all of them")
    photos, boxes = len(annotations), len(annotations.boxes)
    where = f"{counted(photos, 'training photo', 'training photos')} in {annotations.folder}"
    if not boxes:
        raise InputError(
            f"Nothing to learn: the {where} have no boxes. Check that the annotations are those "
            "of these photos"
        )
    if annotations.crowd.all():
        raise InputError(
            f"Nothing to learn: all {boxes} boxes of the {where} are marked as crowds or as "
            "difficult, which are ignored. data.crowds=objects takes them as objects"
        )
    if _is_tiny(annotations, side=side).sum() == (~annotations.crowd).sum():
        raise InputError(
            f"Nothing to learn: all boxes of the {where} are under a pixel at the network's "
            f"{side} pixels. Check what their numbers mean, or give a larger data.image_size"
        )


def learnable_lines(annotations: Annotations, *, side: int) -> list[str]:
    """Notes on boxes that are not learnt: crowds, and those that are too small."""
    boxes, crowds = len(annotations.boxes), int(annotations.crowd.sum())
    tiny = int(_is_tiny(annotations, side=side).sum())
    lines = []
    if crowds:
        lines.append(
            f"{counted_of(crowds, boxes, 'box', 'boxes')} marked as crowds or difficult: ignored "
            "in training and scoring; data.crowds=objects takes them as objects"
        )
    if tiny:
        lines.append(
            f"{counted_of(tiny, boxes, 'box', 'boxes')} under a pixel at the network's {side} "
            "pixels, which no network finds: a larger data.image_size shows more"
        )
    return lines


def _is_tiny(annotations: Annotations, *, side: int) -> np.ndarray:
    """Which objects are less than a pixel wide or high at the network's size, bool ``(M,)``."""
    extents = annotations.boxes[:, 2:] - annotations.boxes[:, :2]
    shown = extents * side / annotations.sizes[annotations.image_of_row()]
    tiny: np.ndarray = (shown < 1).any(axis=1) & ~annotations.crowd
    return tiny
