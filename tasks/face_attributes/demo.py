"""A data set of drawn faces, on disk as tables and photos."""

from functools import partial
from typing import Any

from tasks.common.data.drawn import DrawnPhotos
from tasks.face_attributes.drawn_faces import write_faces
from tasks.face_attributes.faces import LabelledFaces
from tasks.face_attributes.labelled_table import TableData


class DemoAttributes(DrawnPhotos[LabelledFaces], TableData):
    """Drawn faces.

    Args:
        num_train: Training faces.
        num_val: Validation faces.
        **table: See ``TableData``.
    """

    def __init__(self, *, num_train: int, num_val: int, **table: Any) -> None:
        super().__init__(**table)
        self.write = partial(write_faces, num_train=num_train, num_val=num_val, seed=self.seed)
