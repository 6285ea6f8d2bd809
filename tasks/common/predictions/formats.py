"""The files that predictions are in when all are there."""

from pathlib import Path

from backbone.errors import check_choice
from tasks.common.predictions.arrays import write_npz, write_parquet
from tasks.common.predictions.entries import EntryFile, write_array
from tasks.common.predictions.tables import write_csv, write_geojson

LINES, ARRAY = "predictions.jsonl", "predictions.json"
TABLE, MAP = "predictions.csv", "predictions.geojson"
COLUMNS, ARRAYS = "predictions.parquet", "predictions.npz"
FORMATS = ("json", "csv", "geojson", "parquet", "npz")
MOST_IN_ARRAY = 20_000  # entries; few programs open a larger one, and the lines say the same


def check_format(name: str | None) -> None:
    """Refuses a format that there is not."""
    if name is not None:
        check_choice("format", name, allowed=FORMATS)


def write_formats(entries: EntryFile, folder: Path, name: str | None) -> list[str]:
    """Writes predictions in the format that was asked for; None is JSON, unless there are many.

    Returns:
        What to say of it.
    """
    if name == "csv":
        write_csv(entries, folder / TABLE)
    elif name == "geojson":
        write_geojson(entries, folder / MAP)
    elif name == "parquet":
        write_parquet(entries, folder / COLUMNS)
    elif name == "npz":
        write_npz(entries, folder / ARRAYS)
    elif name == "json" or len(entries) <= MOST_IN_ARRAY:
        write_array(entries, folder / ARRAY)
    else:
        return [
            f"{LINES} has all, a line each; {ARRAY} is left out over {MOST_IN_ARRAY:,} entries, "
            "unless format=json asks for it"
        ]
    return []
