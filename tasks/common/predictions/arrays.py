"""Predictions as arrays, for programs: Parquet of all that is found, NumPy's of embeddings."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from backbone.files import replacing
from tasks.common.predictions.entries import Entry
from tasks.common.predictions.tables import rows_of


def write_parquet(entries: Iterable[Entry], path: Path) -> None:
    """Writes the rows of ``write_csv``, with lists of numbers as such.

    Args:
        entries: Of one prediction, so that a column is of one kind.
        path: Of the file, which is whole or not there.
    """
    import pyarrow as pa
    from pyarrow import parquet

    rows = [row for entry in entries for row in rows_of(entry)]
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
    with replacing(path) as temporary:
        parquet.write_table(table, temporary)


def write_npz(entries: Iterable[Entry], path: Path) -> None:
    """Writes ``files``, text ``(N,)``, and ``embeddings``, float32 ``(N, D)``, of faces or photos.

    Of faces there are ``corners`` too, ``(N, 4, 2)``. ``numpy.load`` reads it without
    unpickling anything.
    """
    named = [
        (str(entry["file"]), thing)
        for entry in entries
        for thing in entry.get("faces", [entry])
        if "embedding" in thing
    ]
    arrays: dict[str, Any] = {
        "files": np.array([file for file, _ in named]),
        "embeddings": np.array([thing["embedding"] for _, thing in named], np.float32),
    }
    if all("face" in thing for _, thing in named):
        arrays["corners"] = np.array([thing["face"] for _, thing in named], np.float32)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
