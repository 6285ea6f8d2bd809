"""From a table of places to a file of cells."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.commands.run_folder import check_file
from tasks.common.images.saving import save_picture
from tasks.geolocation.cells.adaptive import granularities, sorted_leaves
from tasks.geolocation.cells.maps import CellMap
from tasks.geolocation.cells.partition import make_partition
from tasks.geolocation.cells.sphere import Points
from tasks.geolocation.tables.bad_rows import BadRows
from tasks.geolocation.tables.reading import read_table

MAP_HEIGHT = 900  # pixels


def write_cells(config: DictConfig) -> list[str]:
    """Partitions the Earth and writes the cells.

    Args:
        config: The composed ``configs/make_cells.yaml``.

    Returns:
        What was read, dropped and made.

    Raises:
        InputError: If a setting is not allowed, or the table cannot be used.
    """
    output = Path(str(config.output))
    if output.suffix not in (".csv", ".parquet"):
        raise InputError(f"output={output}: a name ending in .csv or .parquet is needed")
    check_file("output", output, overwrite=config.overwrite)
    if config.map:
        check_file("map", Path(str(config.map)), overwrite=config.overwrite)
    wanted = granularities(
        config.max_photos,
        config.min_photos,
        min_level=config.min_level,
        max_level=config.max_level,
    )
    table = Path(str(config.table))
    bad_rows = BadRows(table, on_bad_row=config.on_bad_row, setting="on_bad_row")
    leaves = sorted_leaves(read_points(table, bad_rows))
    notes = bad_rows.check()
    if not len(leaves):
        raise InputError(f"{table} has no place on the Earth in {bad_rows.num_rows} rows")
    partition = make_partition(leaves, wanted)
    partition.save(output)
    if config.map:
        cells = partition.finest
        shares = np.full(len(cells), 0.15) + 0.85 * cells.counts / cells.counts.max()
        picture = CellMap(cells, height=MAP_HEIGHT).draw(shares, edges=True)
        save_picture(Path(str(config.map)), picture)
    lines = [f"{len(leaves)} photos of {table}", *notes]
    for cells, line in zip(partition.granularities, partition.lines(), strict=True):
        dropped = len(leaves) - int(cells.counts.sum())
        lines.append(f"{line}; {dropped} photos in dropped cells")
    return [*lines, f"Written: {output}"]


def read_points(table: Path, bad_rows: BadRows) -> Iterator[Points]:
    """The places of a table that are on the Earth, a part at a time."""
    for part in read_table(table, needed=("latitude", "longitude"), bad_rows=bad_rows):
        yield bad_rows.good_points(part)[0]
