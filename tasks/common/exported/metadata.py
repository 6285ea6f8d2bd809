"""What a folder of an exported network says about it, for apps and for our own commands."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backbone.description import check_description
from backbone.errors import InputError

METADATA_KEY = "mobilenet_suite"
FILE = "metadata.json"
SETTING = re.compile(r"data(\.[a-z]+)?\.alignment")
VERSION = 1  # of the schema, docs/export.md


def write_metadata(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Writes ``metadata.json``."""
    text = json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")


def write_parity(folder: Path, parity: Mapping[str, Any]) -> None:
    """Writes ``parity.json``."""
    (folder / "parity.json").write_text(json.dumps(parity, indent=2) + "\n", encoding="utf-8")


def read_metadata(folder: Path) -> dict[str, Any]:
    """Reads what ``write_metadata`` wrote.

    Raises:
        InputError: If the folder has none, or one of another schema.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(
            f"exported={folder}: there is no {FILE} in it. Give the output= of tools/export.py"
        )
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("version") != VERSION:
        found = metadata.get("version") if isinstance(metadata, dict) else metadata
        raise InputError(f"{path} is of version {found!r:.40}; this is for version {VERSION}")
    check_description(metadata.get("network"), path)
    for key in ("task", "format"):
        if not isinstance(metadata.get(key), str):
            raise InputError(f"{path} has {metadata.get(key)!r:.80} as {key}, which must be text")
    settings_of(metadata)
    return metadata


def settings_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The settings that decide what of a photo the network sees, by their keys.

    Raises:
        InputError: If the folder names what is no such setting.
    """
    settings = dict(metadata.get("preparation", {}).get("settings", {}))
    for key, value in settings.items():
        if not (SETTING.fullmatch(key) and isinstance(value, str) and value.isidentifier()):
            raise InputError(f"{FILE} has {key}={value!r:.40}, which is no setting of photos")
    return settings


def written_files(folder: Path) -> list[Path]:
    """The files of a network in a folder; of a package those inside it."""
    found = [path for model in folder.glob("model.*") for path in (model, *model.rglob("*"))]
    return sorted(path for path in found if path.is_file())


def file_facts(path: Path, *, folder: Path) -> dict[str, Any]:
    """Name in a folder, bytes and checksum of a file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = path.relative_to(folder).as_posix()
    return {"name": name, "bytes": path.stat().st_size, "sha256": digest}
