"""By what predictions were made, so that others are not mixed with them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from backbone.errors import InputError
from backbone.files import replacing
from tasks.common.settings.differences import differences
from tasks.common.settings.recompose import plain_values

FILE = "made_by.json"
# Settings that change nothing of what is found, or what it is found in.
FREE = (
    *(
        "input",
        "output",
        "run_dir",
        "overwrite",
        "skip_existing",
        "format",
        "checkpoint",
        "init",
        "exported",
    ),
    *("optim", "schedule", "data.batch_size", "data.num_workers"),
    *("trainer.devices", "trainer.accelerator", "trainer.default_root_dir"),
)
MOST_NAMED = 3


def made_by(config: DictConfig, *, weights: str) -> dict[str, Any]:
    """The weights, by their checksum, and the settings that predictions depend on."""
    settings = dict(_settings(plain_values(config)))
    return {"weights": weights, "settings": settings}


def write_made_by(folder: Path, made: Mapping[str, Any]) -> None:
    """Writes by what the predictions in a folder are made."""
    with replacing(folder / FILE) as temporary:
        temporary.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def check_made_by(folder: Path, made: Mapping[str, Any]) -> None:
    """Refuses to add to predictions that others have made.

    Raises:
        InputError: Naming the weights or settings that are others.
    """
    said = f"skip_existing=true: the predictions in output={folder} were made "
    out = "Give the same as then, or another output="
    try:
        there = json.loads((folder / FILE).read_text(encoding="utf-8"))
        weights, settings = there["weights"], there["settings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{said}nobody knows how: {folder / FILE} cannot be read. {out}"
        ) from error
    if weights != made["weights"]:
        raise InputError(f"{said}with other weights. {out}")
    ours = json.loads(json.dumps(made["settings"]))
    changed = list(differences(ours, settings))
    if changed:
        named = [f"{one.path}: {one.theirs!r} then, {one.ours!r} now" for one in changed]
        more = [f"and {len(named) - MOST_NAMED} more"] * (len(named) > MOST_NAMED)
        raise InputError(f"{said}with {'; '.join([*named[:MOST_NAMED], *more])}. {out}")


def _settings(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        place = f"{path}.{key}" if path else str(key)
        if place in FREE:
            continue
        if isinstance(value, Mapping):
            yield from _settings(value, place)
        else:
            yield place, value
