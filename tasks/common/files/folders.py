"""Folders that commands write to."""

import os
from pathlib import Path

from backbone.errors import InputError


def make_folder(setting: str, name: object) -> Path:
    """Makes a folder, with those above it, unless it is there.

    Args:
        setting: The setting that names it.
        name: What that was given; whole numbers are names too.

    Raises:
        InputError: If there is no name, or nothing can be written there.
    """
    if name is None or name == "":
        raise InputError(f"{setting}={name or ''}: a folder is needed")
    folder = Path(str(name))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{setting}={folder}: no such folder can be made: {error}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{setting}={folder}: no permission to write there")
    return folder
