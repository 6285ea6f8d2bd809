"""Networks by accuracy and cost, from the paper's tables and from run folders."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from backbone.errors import InputError
from tasks.classification.layouts.imagenet import ImageNetData
from tasks.common.networks.cost import read_table, table_rows

PAPER, RELEASED, RUN = "paper", "released", "run"  # where an accuracy is from
IMAGENET = "ImageNet's validation photos"
IMAGENET_CLASSES = 1000
IMAGENET_PHOTOS = 49_000  # of 50,000, since on_bad_image=skip may have left some out


class Point(NamedTuple):
    """A network in a figure.

    Attributes:
        source: ``PAPER``, ``RELEASED`` or ``RUN``.
        name: To call it by.
        accuracy: Top-1, in percent.
        mult_adds: As ``tools/cost.py`` counts them.
        params: The same.
        width: Of a MobileNet; None for other networks.
        resolution: Side of its input in pixels.
        data_set: What its accuracy was measured on.
    """

    source: str
    name: str
    accuracy: float
    mult_adds: int
    params: int
    width: float | None
    resolution: int
    data_set: str = IMAGENET


def table_points(tables: Sequence[str]) -> list[Point]:
    """What the tables say of accuracy, at what the networks cost by our own count."""
    points = []
    for table in tables:
        for row, cost in zip(read_table(table), table_rows(table), strict=True):
            overrides = dict(override.split("=") for override in row.overrides)
            width = float(overrides["backbone.width"]) if "backbone.width" in overrides else None
            points += [
                Point(source, cost.model, row[key], cost.mult_adds, cost.params, width, resolution)
                for source, key in ((PAPER, "paper_accuracy"), (RELEASED, "released_accuracy"))
                if key in row and (resolution := cost.resolution)
            ]
    return points


def run_point(folder: Path) -> Point:
    """The classifier of a run folder.

    Raises:
        InputError: If the folder is not a classifier's.
    """
    metrics = _read(folder / "metrics.json", json.loads)
    config = _read(folder / "config.yaml", yaml.safe_load)
    try:
        return Point(
            RUN,
            name=folder.resolve().name,
            accuracy=100 * float(metrics["val/accuracy"]),
            mult_adds=int(metrics["mult_adds"]),
            params=int(metrics["num_params"]),
            width=config["backbone"].get("width"),
            resolution=int(config["data"]["image_size"]),
            data_set=_data_set(config["data"], folder),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"runs={folder}: no run folder of a classifier, whose metrics.json has val/accuracy, "
            f"mult_adds and num_params, and whose config.yaml has backbone and data: {error!r}"
        ) from error


def _read(path: Path, parse: Any) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"runs={path.parent}: {path.name} cannot be read: {error}") from error


def _data_set(data: dict[str, Any], folder: Path) -> str:
    """What a run was scored on: ImageNet, or photos in a folder of the user's."""
    scored = folder / "classes.csv"
    classes = (
        list(csv.DictReader(scored.open(newline="", encoding="utf-8"))) if scored.is_file() else []
    )
    photos = sum(int(row["photos"]) for row in classes)
    # by its name alone: modules may have moved since the run
    reader = str(data["_target_"]).rpartition(".")[2]
    # the reader takes any folders; without a list of what was scored, the settings are all there is
    whole = len(classes) == IMAGENET_CLASSES and photos >= IMAGENET_PHOTOS
    if reader == ImageNetData.__name__ and (whole or not classes):
        return IMAGENET
    counted = f" ({photos} photos of {len(classes)} classes)" if classes else ""
    return f"{data['root']}{counted}"
