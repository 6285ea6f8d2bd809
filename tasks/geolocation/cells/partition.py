"""One partition of the Earth or several, coarse to fine: as a file and as a network's classes."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backbone.errors import InputError
from backbone.files import replacing
from tasks.common.data.labels import LabelMap
from tasks.common.files.folders import make_folder
from tasks.geolocation.cells.adaptive import Cells, Granularity, make_cells, parent_indices, s2
from tasks.geolocation.cells.sphere import Points

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("token", "level", "count", "latitude", "longitude")
# What the partitions that GeoEstimation published call them (Mueller-Budack et al. 2018).
GEOESTIMATION = {
    "hex_id": "token",
    "imgs_per_cell": "count",
    "latitude_mean": "latitude",
    "longitude_mean": "longitude",
}
# Follows the token in the names of coarser cells: the same cell may be in several granularities.
MARK = "@"


@dataclass(frozen=True)
class CellLabels(LabelMap):
    """Cells as classes, those of each granularity after another, coarse to fine.

    A class is called by its cell's token, coarser ones with ``@`` and the granularity's number; its
    id is its number.

    Attributes:
        points: Mean location of each cell's photos, ``(num_classes, 2)``.
    """

    points: Points = field(compare=False)


@dataclass(frozen=True, eq=False)
class Partition:
    """Cells of several granularities, coarse to fine; of one, usually."""

    granularities: tuple[Cells, ...]

    @property
    def finest(self) -> Cells:
        """The cells that are predicted."""
        return self.granularities[-1]

    @cached_property
    def parents(self) -> list[np.ndarray]:
        """Of each coarser granularity, the cell that holds each of the finest."""
        return [parent_indices(coarse, self.finest) for coarse in self.granularities[:-1]]

    def holding(self, points: Points) -> np.ndarray:
        """The cell of each point in each granularity, int64 ``(N, G)``; -1 where it was dropped."""
        leaves = s2.leaf_ids(points)
        return np.stack([cells.holding(leaves) for cells in self.granularities], axis=1)

    def label_map(self) -> CellLabels:
        """The cells as classes.

        Raises:
            InputError: If there is only one, which leaves nothing to tell apart, or a finer one
                lies in none of the coarser.
        """
        if len(self.finest) < 2:
            raise InputError("All photos are in one cell: lower max_photos, or give more photos")
        assert all(len(index) for index in self.parents)  # which looks for orphans
        names = [
            token if number == len(self.granularities) - 1 else f"{token}{MARK}{number}"
            for number, cells in enumerate(self.granularities)
            for token in s2.tokens(cells.ids)
        ]
        points = np.concatenate([cells.points for cells in self.granularities])
        return CellLabels(tuple(names), tuple(range(len(names))), points)

    def save(self, path: Path) -> None:
        """Writes the cells as CSV, or as Parquet by the suffix.

        If there are several granularities, their number is in a first column.
        """
        numbers = [np.full(len(cells), number) for number, cells in enumerate(self.granularities)]
        columns = {
            "token": [token for cells in self.granularities for token in s2.tokens(cells.ids)],
            "level": np.concatenate([s2.levels(cells.ids) for cells in self.granularities]),
            "count": np.concatenate([cells.counts for cells in self.granularities]),
            "latitude": np.concatenate([cells.points[:, 0] for cells in self.granularities]),
            "longitude": np.concatenate([cells.points[:, 1] for cells in self.granularities]),
        }
        several = {"granularity": np.concatenate(numbers)} if len(numbers) > 1 else {}
        import pyarrow as pa
        from pyarrow import csv, parquet

        table = pa.table({**several, **columns})
        make_folder("output", path.parent)
        with replacing(path) as temporary:
            if path.suffix == ".parquet":
                parquet.write_table(table, temporary)
            else:
                csv.write_csv(
                    table, temporary, csv.WriteOptions(quoting_style="none", quoting_header="none")
                )

    def lines(self) -> list[str]:
        """How many cells of which levels each granularity has, and of how many photos."""
        return [
            f"{len(cells)} cells of levels {s2.levels(cells.ids).min()} to "
            f"{s2.levels(cells.ids).max()} with {cells.counts.sum()} photos, from "
            f"{cells.counts.min()} to {cells.counts.max()} each"
            for cells in self.granularities
        ]


def make_partition(leaves: np.ndarray, granularities: list[Granularity]) -> Partition:
    """Splits the Earth once for each granularity.

    Args:
        leaves: Of the photos, sorted.
        granularities: Coarse to fine.
    """
    return Partition(tuple(make_cells(leaves, granularity) for granularity in granularities))


def read_partition(path: Path) -> Partition:
    """Reads what ``Partition.save`` or ``tools/make_cells.py`` wrote.

    Raises:
        InputError: If there is no such file, or it holds anything else.
    """
    import pyarrow as pa  # which nothing else here needs
    from pyarrow import parquet

    if not path.is_file():
        raise InputError(f"cells={path}: there is no such file; tools/make_cells.py writes one")
    try:
        table = parquet.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
        theirs = [GEOESTIMATION.get(name, name) for name in table.column_names]
        table = table.rename_columns(theirs)
        if missing := [name for name in (*COLUMNS[:1], *COLUMNS[2:]) if name not in theirs]:
            raise InputError(
                f"cells={path} lacks {', '.join(missing)}; it has {', '.join(theirs)}. "
                "tools/make_cells.py writes such files"
            )
        number = (
            table["granularity"].to_numpy()
            if "granularity" in table.column_names
            else np.zeros(len(table), np.int64)
        )
        ids = s2.token_ids(table["token"].to_pylist())
        counts = table["count"].to_numpy()
        points = np.stack([table[name].to_numpy() for name in COLUMNS[3:]], axis=1)
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"cells={path} is no file of cells: {error}") from error
    parts = []
    for each in np.unique(number):
        chosen = np.flatnonzero(number == each)
        chosen = chosen[np.argsort(ids[chosen])]
        parts.append(Cells(ids[chosen], counts[chosen], points[chosen]))
        _check(parts[-1], path)
    if not parts:
        raise InputError(f"cells={path} holds no cell")
    return Partition(tuple(parts))


def _read_csv(path: Path) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        path,
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(("token", "hex_id"), pa.string())
        ),
    )


def _check(cells: Cells, path: Path) -> None:
    first, last = s2.leaf_range(cells.ids)
    overlapping = np.flatnonzero(first[1:] <= last[:-1])
    if len(overlapping):
        pair = s2.tokens(cells.ids[overlapping[0] : overlapping[0] + 2])
        raise InputError(f"cells={path}: the cells {' and '.join(pair)} overlap")
    if not (np.abs(cells.points) <= (90, 180)).all():
        raise InputError(f"cells={path} has locations that are not on the Earth")


def class_counts(label_map: LabelMap) -> list[int]:
    """How many classes of a network are cells of each granularity, coarse to fine.

    >>> class_counts(LabelMap(("1@0", "3@0", "0c", "14", "2c"), (0, 1, 2, 3, 4)))
    [2, 3]
    """
    marks = Counter(name.partition(MARK)[2] for name in label_map.names)
    finest = marks.pop("", 0)
    return [*(marks[mark] for mark in sorted(marks, key=int)), finest]


def labelled_partition(label_map: LabelMap, points: Points) -> Partition:
    """The inverse of ``Partition.label_map``, but for the counts of photos, which are 0.

    Args:
        label_map: A network's.
        points: Mean location of each class, ``(num_classes, 2)``.

    Raises:
        InputError: If its classes are no cells.
    """
    try:
        ids = s2.token_ids([name.partition(MARK)[0] for name in label_map.names])
    except ValueError as error:
        raise InputError(f"The network's classes are no cells: {error}") from error
    ends = np.cumsum(class_counts(label_map))[:-1]
    return Partition(
        tuple(
            Cells(part, np.zeros(len(part), np.int64), where)
            for part, where in zip(np.split(ids, ends), np.split(points, ends), strict=True)
        )
    )
