"""Data sets drawn in code: on disk once, whole or not at all."""

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backbone.errors import InputError


class OtherDataError(InputError):
    """Another data set that was drawn is in the place of the one that is needed."""

    def __init__(self, message: str, *, root: Path) -> None:
        super().__init__(message)
        self.root = root


def write_once(
    root: Path, settings: Mapping[str, Any], write: Callable[[Path], None], *, name: str
) -> None:
    """Writes a data set unless it is there already.

    The folder appears whole or not at all. Of several processes that write it at once, the first
    to finish wins, and the others drop their equal copies.

    Args:
        root: Where it goes, with its settings in ``NAME.json``.
        settings: Plain values that decide its contents.
        write: Draws it into a new folder.
        name: What it consists of, for messages.

    Raises:
        InputError: If ``root`` holds anything else.
    """
    root = root.resolve()
    if _is_complete(root, settings, name=name):
        return
    draft = root.with_name(f".{root.name}.{uuid.uuid4().hex}")
    try:
        draft.mkdir(parents=True)
        write(draft)
        (draft / f"{name}.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        _publish(draft, root, settings, name=name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_complete(root: Path, settings: Mapping[str, Any], *, name: str) -> bool:
    """Whether this very data set is at ``root``, which must otherwise be free."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    try:
        found = json.loads((root / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(
            f"{root} holds files that are no {name}. Remove it, or name another folder."
        ) from None
    if found != settings:
        message = (
            f"{root} holds {found}, not the {name} {settings}. Remove it, or name another folder."
        )
        raise OtherDataError(message, root=root)
    return True


def _publish(draft: Path, root: Path, settings: Mapping[str, Any], *, name: str) -> None:
    """Moves the finished folder into place, unless another process was faster."""
    with contextlib.suppress(OSError):
        root.rmdir()  # an empty one, which Windows would not have replaced
    try:
        os.rename(draft, root)
    except OSError:
        if not _is_complete(root, settings, name=name):
            raise
