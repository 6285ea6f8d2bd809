"""A folder of an exported network, opened without torch: checked, and ready to be run."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from backbone.errors import InputError
from tasks.common.exported.found import find_format, missing_library
from tasks.common.training.described import Arrays, Run

TABLES = "tables.safetensors"
AGAIN = "Export the network again"


def check_files(folder: Path, about: Mapping[str, Any]) -> None:
    """Refuses a folder whose files are others than its metadata say.

    Raises:
        InputError: At the first one that is missing, or that has been cut short or changed.
    """
    files = about.get("files")
    if not isinstance(files, list) or not all(map(_are_facts, files)) or not files:
        raise InputError(f"{folder}: its metadata do not say what its files are. {AGAIN}")
    for facts in files:
        path = folder / facts["name"]
        if not path.is_file():
            raise InputError(f"exported={folder}: there is no {facts['name']} in it. {AGAIN}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != facts["sha256"]:
            raise InputError(
                f"{path} is not the file that the metadata beside it are of: it has "
                f"{path.stat().st_size} bytes, of {facts['bytes']}, and another SHA-256. {AGAIN}, "
                "or copy the folder again"
            )


def open_run(folder: Path, about: Mapping[str, Any], *, threads: int) -> Run:
    """Opens the file of a folder.

    Args:
        folder: With the file.
        about: What ``metadata.json`` says.
        threads: Of a call.

    Raises:
        InputError: If the library that runs it is not installed, or does not take the file.
    """
    name = about["format"]
    chosen = find_format(name)
    try:
        runner = chosen.Runner(folder, threads=threads)
    except ImportError as error:
        raise missing_library(error, chosen, name) from error
    except InputError:
        raise
    except Exception as error:  # whatever a library says of a file that is none of its own
        raise InputError(f"{folder / chosen.FILE} cannot be run: {_first_line(error)}") from error

    def run(image: np.ndarray) -> Arrays:
        try:
            return runner(image)
        except Exception as error:
            raise InputError(
                f"{folder / chosen.FILE} does not take photos of {image.shape[1]} pixels, which "
                f"its metadata name: {_first_line(error)}"
            ) from error

    return run


def read_tables(folder: Path) -> dict[str, np.ndarray]:
    """What the head knows beside its weights, by name; nothing, of most heads.

    Raises:
        InputError: If the file is damaged.
    """
    path = folder / TABLES
    if not path.is_file():
        return {}
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}. {AGAIN}") from error


def _are_facts(facts: Any) -> bool:
    """Whether these are what ``file_facts`` writes, of a file in the folder itself."""
    if not isinstance(facts, dict):
        return False
    name, digest = facts.get("name"), facts.get("sha256")
    is_name = isinstance(name, str) and _is_inside(Path(name))
    return is_name and isinstance(digest, str) and isinstance(facts.get("bytes"), int)


def _is_inside(path: Path) -> bool:
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
