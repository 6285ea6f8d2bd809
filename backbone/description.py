"""What a file of weights says about its network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backbone.errors import InputError

MAX_IMAGE_SIZE = 10_000  # pixels; larger photos are refused too


UNKNOWN = "unknown"  # what weights were trained on that don't say


def check_description(description: Any, path: Path) -> None:
    """Refuses a description whose parts are missing or of other types than ours write.

    Raises:
        InputError: At the first such part, naming the file.
    """
    if not isinstance(description, dict):
        raise InputError(f"{path}: its network description is {description!r:.80}, not an object")
    for key in ("backbone", "head"):
        part = description.get(key, {"name": ""} if key == "head" else None)
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise InputError(f"{path}: its description has {part!r:.80} as {key}")
    size = description.get("image_size")
    if type(size) is not int or not 0 < size <= MAX_IMAGE_SIZE:
        raise InputError(f"{path}: its description has {size!r:.80} as image_size")
    if not all(isinstance(name, str) for name in lineage(description)):
        raise InputError(f"{path}: its description has {lineage(description)!r:.80} as trained_on")
    labels = description.get("label_map")
    if labels is None and "head" not in description:
        return
    parts = labels.get("parts", {}) if isinstance(labels, dict) else None
    if not isinstance(parts, dict) or not all(map(_are_labels, [labels, *parts.values()])):
        raise InputError(
            f"{path}: its description has {labels!r:.80} as label_map, which needs as many "
            "different names as ids"
        )


def lineage(description: Mapping[str, Any]) -> list[str]:
    """The data sets that weights were trained on, the first one first."""
    named = description.get("trained_on", UNKNOWN)
    return list(named) if isinstance(named, list) else [named]


def _are_labels(labels: Any) -> bool:
    if not isinstance(labels, dict):
        return False
    names, ids = labels.get("names"), labels.get("ids")
    return (
        isinstance(names, list)
        and isinstance(ids, list)
        and all(type(name) is str for name in names)
        and all(type(number) is int for number in ids)
        and len(names) == len(ids) == len(set(names)) == len(set(ids))
    )
