"""Makes a folder of photos from the web fit to be trained on before Stanford Dogs."""

import hashlib
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backbone.errors import InputError, check_number
from tasks.classification.cleaning.choosing import (
    MARKER,
    TEST_DISTANCE,
    UNREADABLE,
    Hashed,
    Removed,
    find_removed,
    report,
    write_removed,
)
from tasks.classification.cleaning.hash_cache import File, hash_files, hash_references
from tasks.classification.cleaning.hashes import NUM_BITS
from tasks.classification.layouts.class_folders import class_folders
from tasks.classification.layouts.stanford_dogs import breed_classes, read_split
from tasks.common.data.photos import Photos
from tasks.common.files.folders import make_folder
from tasks.common.images.finding import is_image_name
from tasks.common.synthetic.write_once import write_once

logger = logging.getLogger(__name__)


def prepare_noisy(
    root: Path, *, against: Any = None, output: Any = None, max_distance: Any = None
) -> str:
    """Copies what is fit to be trained on of a folder of photos for each category.

    Args:
        root: The noisy folder, which stays as it is.
        against: Folder of Stanford Dogs, whose test photos must not be trained on.
        output: The folder that gets the photos that are kept, with ``report.txt`` and
            ``removed.csv``. Hashes are kept beside it, so that an interrupted run can go on.
        max_distance: See ``find_removed``; None for ``TEST_DISTANCE``.

    Returns:
        What to run next.

    Raises:
        InputError: If a folder is missing, or in the wrong place, or nothing would be left.
    """
    max_distance = TEST_DISTANCE if max_distance is None else max_distance
    check_number("max_distance", max_distance, at_least=0, at_most=NUM_BITS, whole=True)
    root, against = _existing("root", root), _existing("against", against)
    target = _free(output, root=root, against=against)
    files = list_files(root)
    test = read_split(against, "test")
    settings = {
        "root": str(root),
        "against": str(against),
        "max_distance": max_distance,
        "files": len(files),
        "digest": hashlib.sha256(repr(files).encode(errors="surrogateescape")).hexdigest(),
    }
    write = partial(
        _write, root=root, files=files, test=test, max_distance=max_distance, output=target
    )
    write_once(target, settings, write, name=Path(MARKER).stem)
    return (
        f"Ready: {target}, see its report.txt and removed.csv. Train with:\n\n    "
        f"python tools/train.py experiment=table10_noisy_pretrain data.root={target}"
    )


def list_files(root: Path) -> list[File]:
    """All files in the category folders, sorted.

    Raises:
        InputError: If there are no categories, two of them have one name, or a link leads out of
            ``root`` or to a folder.
    """
    folders = class_folders(root)
    if not folders:
        raise InputError(f"root={root} has no folders: one of photos for each category is needed")
    breed_classes(folders)  # refuses folders that training would call alike
    return sorted(file for name in folders for file in _walk(root, root / name))


def _walk(root: Path, folder: Path) -> Iterator[File]:
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(root)):
            raise InputError(
                f"{path} is a link to {path.resolve()}. Links out of root={root} and links to "
                "folders are refused: put the photos themselves there"
            )
        if path.is_file():
            found = path.stat()
            yield File(str(path.relative_to(root)), found.st_size, found.st_mtime_ns)


def _existing(setting: str, value: Any) -> Path:
    if value in (None, "") or not Path(str(value)).is_dir():
        raise InputError(f"{setting}={value}: there is no such folder")
    return Path(str(value)).resolve()


def _free(output: Any, *, root: Path, against: Path) -> Path:
    if output in (None, ""):
        raise InputError("output=DIR is needed: the folder that gets the photos that are kept")
    target = Path(str(output)).resolve()
    for setting, inner, outer in (
        ("output", target, root),
        ("output", target, against),
        ("root", root, target),
        ("against", against, root),
    ):
        if inner.is_relative_to(outer):
            raise InputError(f"{setting}={inner} is inside {outer}: name a folder outside")
    make_folder("output", target.parent)
    return target


def _write(
    draft: Path, *, root: Path, files: Sequence[File], test: Photos, max_distance: int, output: Path
) -> None:
    """Hashes, decides and fills the new folder."""
    views = hash_references([test.path(index) for index in range(len(test))])
    photos, removed = _hash_readable(
        root, files, cache=output.with_name(f".{output.name}.hashes.jsonl")
    )
    names = [os.fsdecode(name) for name in test.file_names]
    removed |= find_removed(photos, Hashed(names, views), max_distance=max_distance)
    kept = [file.name for file in files if file.name not in removed]
    lines = report(
        [file.name for file in files], removed, num_test=len(test), max_distance=max_distance
    )
    if not kept:
        raise InputError("\n".join(["No photo would be left:", *lines]))
    for line in lines:
        logger.info("%s", line)
    _link(root, draft, kept)
    write_removed(draft / "removed.csv", removed)
    (draft / "report.txt").write_text(
        "\n".join(lines) + "\n", errors="surrogateescape", encoding="utf-8"
    )


def _hash_readable(
    root: Path, files: Sequence[File], *, cache: Path
) -> tuple[Hashed, dict[str, Removed]]:
    """The photos that can be read, and what is wrong with the other files, by name."""
    named = [file for file in files if is_image_name(Path(file.name))]
    hashes, problems = hash_files(root, named, cache=cache)
    others = {file.name: "no name of a photo" for file in set(files) - set(named)}
    others |= {named[index].name: problem for index, problem in problems.items()}
    good = [index for index in range(len(named)) if index not in problems]
    removed = {name: Removed(name, UNREADABLE, problem) for name, problem in others.items()}
    return Hashed([named[index].name for index in good], hashes[good]), removed


def _link(root: Path, draft: Path, names: Sequence[str]) -> None:
    """Hard links where the file system has them, which take no space, or else copies.

    Raises:
        InputError: If a photo can be neither linked nor copied.
    """
    for name in names:
        source, target = (root / name).resolve(), draft / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copy2(source, target)
    except OSError as error:
        raise InputError(f"Could not copy {source} to the folder of output=: {error}") from error
