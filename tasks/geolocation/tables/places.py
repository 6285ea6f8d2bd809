"""Places as wholes: a view must not be both learnt and tested."""

from collections.abc import Sequence

import numpy as np

from backbone.errors import InputError
from tasks.common.data.held_out import held_out
from tasks.geolocation.cells import s2
from tasks.geolocation.cells.sphere import Points

PLACE_LEVEL = 14  # of the cells, some 600 m wide, that stand for a place where none is named


def place_splits(points: Points, places: Sequence[str | None], val_share: float) -> np.ndarray:
    """A split for each photo, ``(N,)``, such that a place is in one of them with all its photos."""
    names, numbers = np.unique(named_places(points, places), return_inverse=True)
    if len(names) < 2:
        raise InputError(
            f"data.val_share={val_share}: all photos are of one place, and a place is learnt or "
            "validated on as a whole. Give photos of others, or a column split"
        )
    chosen = held_out(names.tolist(), val_share)
    return np.where(chosen, "val", "train")[numbers]


def named_places(points: Points, places: Sequence[str | None]) -> list[str]:
    """The place of each photo: as it is named, or the cell that it is in."""
    cells = s2.tokens(s2.parents(s2.leaf_ids(points), PLACE_LEVEL))
    return [name or cell for name, cell in zip(places, cells, strict=True)]
