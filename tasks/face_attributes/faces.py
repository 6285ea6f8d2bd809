"""Photos of faces with their attributes, and the groups that a metric is compared over."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos

UNKNOWN = np.float32(np.nan)


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledFaces(Photos):
    """``N`` photos with ``K`` attributes each.

    ``targets`` is float32 ``(N, K)``: 1, 0, or NaN where nobody said.

    Attributes:
        groups: By the name of a division of the faces, such as ``race``, the group of each face,
            text ``(N,)``; empty where nobody said.
    """

    groups: Mapping[str, np.ndarray]

    def select(self, chosen: np.ndarray) -> Self:
        """Some of the faces, by index or mask."""
        groups = {name: values[chosen] for name, values in self.groups.items()}
        return replace(super().select(chosen), groups=groups)

    def joined_by(self, paths: Sequence[Path]) -> Self:
        """With further photos, wherever they are, of which nothing is known."""
        names = np.array([os.fsencode(path.absolute()) for path in paths])
        nothing = np.full((len(paths), self.targets.shape[1]), UNKNOWN)
        nobody = np.full(len(paths), "")
        return replace(
            self,
            file_names=np.concatenate([self.file_names, names]),
            targets=np.concatenate([self.targets, nothing]),
            groups={name: np.concatenate([group, nobody]) for name, group in self.groups.items()},
        )


def attribute_map(names: Sequence[str]) -> LabelMap:
    """Attributes by name; the id is the index."""
    return LabelMap(tuple(names), tuple(range(len(names))))
