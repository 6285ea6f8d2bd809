"""What is in the folder of a command."""

import logging
from collections.abc import Mapping
from pathlib import Path

from tasks.common.report import counted

# What a run leaves, with what it is for. Charts and tables differ by task: they are listed as
# they are found.
CONTENTS = {
    "metrics.json": "these figures and all others",
    "metrics.csv": "the figures of each step",
    "predictions.jsonl": "what was found, a line for each photo or frame",
    "predictions.json": "what they were computed from",
    "predictions.csv": "the same, a row for each thing found",
    "predictions.geojson": "the same, for maps",
    "predictions.parquet": "the same, a row for each thing found, in columns",
    "predictions.npz": "the files and their embeddings, for NumPy",
    "report.txt": "what was loaded, repaired and left out",
    "config.yaml": "the settings",
    **dict.fromkeys(
        ("model.onnx", "model.xml", "model.tflite", "model.pte"),
        "the network, with all that its photos and outputs need",
    ),
    "model.bin": "its weights",
    "index.html": "a page that runs it in the browser: python -m http.server, in this folder",
    "metadata.json": "what it takes, gives and tells apart",
    "parity.json": "how near its predictions are to the network's",
    "README.md": "a page about it",
}

logger = logging.getLogger(__name__)


def charts(folder: Path) -> list[Path]:
    """The charts in a run folder, those of parts too."""
    places = (folder, folder / "pictures", *_parts(folder))
    return [path for place in places for path in sorted(place.glob("*.png"))]


def _parts(folder: Path) -> list[Path]:
    """Where the parts of several tasks in one have written what is their own."""
    return sorted(path.parent for path in folder.glob("*/predictions.json"))


def file_lines(folder: Path, files: Mapping[str, str] | None = None) -> list[str]:
    """What is in a run folder, a line each.

    Args:
        folder: Of the run.
        files: Some of its files, with what each is for.
    """
    uses = {**(files or {})}
    uses |= {name: use for name, use in CONTENTS.items() if (folder / name).is_file()}
    tables = sorted(path.name for path in folder.glob("*.csv") if path.name not in CONTENTS)
    drawn = [str(path.relative_to(folder)) for path in charts(folder)]
    pictures = sum(1 for _ in (folder / "pictures").rglob("*.jpg"))
    films = sum(1 for _ in (folder / "films").glob("*.mp4"))
    uses |= {"tables": ", ".join(tables), "charts": ", ".join(drawn)}
    uses |= {f"{part.name}/": "this part's own" for part in _parts(folder)}
    uses["pictures/"] = f"{pictures} photos" if pictures else ""
    uses["films/"] = counted(films, "film", "films") if films else ""
    width = max(map(len, uses))
    return [f"In {folder}:", *(f"  {name:{width}}  {use}" for name, use in uses.items() if use)]


def say_files(folder: Path) -> None:
    """Says what is in the folder of a command that has ended."""
    logger.info("%s", "\n".join(file_lines(folder)))
