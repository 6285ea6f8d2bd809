"""Data sets of drawn people."""

from functools import partial
from pathlib import Path
from typing import Any

from tasks.common.distillation.target_table import TableTeacher
from tasks.face_embedding.data import EmbeddingData
from tasks.face_embedding.drawn_people import write_identities, write_people
from tasks.face_embedding.identities import IdentityData


class DemoPeople(EmbeddingData):
    """Drawn people, with a teacher for those to train on.

    Args:
        root: Folder for the data.
        num_train: Faces to train on.
        num_val: Pairs of each kind in each of two folds.
        **faces: See ``EmbeddingData``.
    """

    def __init__(self, *, root: str, num_train: int, num_val: int, **faces: Any) -> None:
        root = str(root)
        super().__init__(
            faces=f"{root}/faces", pairs=f"{root}/pairs.txt", pairs_root=f"{root}/people", **faces
        )
        self.root = Path(root)
        self.write = partial(
            write_people, self.root, num_train=num_train, num_val=num_val, seed=self.seed
        )

    def setup(self, stage: str) -> None:
        self.write()  # what is there is not drawn again

    def prepare_data(self) -> None:
        self.write()

    def own_teacher(self) -> TableTeacher:
        return TableTeacher(file=str(self.root / "teacher"), data=self)


class DemoIdentities(IdentityData):
    """Drawn people with a folder of photos each.

    Args:
        root: Folder for the data.
        num_train: Photos to train on.
        num_val: Pairs of each kind in each of two folds.
        **identities: See ``IdentityData``.
    """

    def __init__(self, *, root: str, num_train: int, num_val: int, **identities: Any) -> None:
        root = str(root)
        super().__init__(
            identities=f"{root}/identities",
            pairs=f"{root}/pairs.txt",
            pairs_root=f"{root}/people",
            **identities,
        )
        self.write = partial(
            write_identities, Path(root), num_train=num_train, num_val=num_val, seed=self.seed
        )

    def setup(self, stage: str) -> None:
        self.write()  # what is there is not drawn again

    def prepare_data(self) -> None:
        self.write()
