"""Public data sets: what they consist of, and how a folder comes to hold one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backbone.errors import InputError
from tasks.common.files.archives import extract, is_extracted
from tasks.common.files.download import fetch
from tasks.common.files.folders import make_folder


@dataclass(frozen=True)
class Archive:
    """A published file: its address, size in bytes and checksum (``md5:...``)."""

    url: str
    size: int
    checksum: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class PublicDataset:
    """A data set that anyone may download.

    Args:
        archives: What to download and unpack, smallest first.
        contents: How many files each pattern matches once all archives are unpacked.
        train: The command that trains on it, with ``{root}`` for the folder.
        terms: Where its conditions of use are published.
    """

    archives: tuple[Archive, ...]
    contents: Mapping[str, int]
    train: str
    terms: str


def prepare_public(
    root: Path,
    *,
    archives: Sequence[Mapping[str, Any]],
    contents: Mapping[str, int],
    train: str,
    terms: str,
) -> str:
    """Fetches, verifies and unpacks a data set as a file in ``configs/dataset`` has it.

    Args:
        root: The folder that will hold it.
        archives: The fields of an ``Archive`` each.
        contents: See ``PublicDataset``, as the others.
        train: The same.
        terms: The same.

    Returns:
        What to run next.

    Raises:
        InputError: See ``prepare``.
    """
    published = tuple(Archive(**archive) for archive in archives)
    return prepare(PublicDataset(published, contents=contents, train=train, terms=terms), root)


def prepare(dataset: PublicDataset, root: Path) -> str:
    """Brings a folder to hold a data set, doing only what is not done yet.

    Archives placed in ``root`` by hand are verified and used; a data set that was unpacked there
    by hand is left as it is.

    Returns:
        What to run next.

    Raises:
        InputError: If a file cannot be had, is damaged, or the result is incomplete. The message
            says what to place where.
    """
    make_folder("root", root)
    if missing_contents(dataset, root):
        for archive in dataset.archives:
            if not is_extracted(root / archive.name, root, size=archive.size):
                _fetch_and_extract(archive, dataset, root)
    if missing := missing_contents(dataset, root):
        raise InputError(
            f"{root} is incomplete: {'; '.join(missing)}. Delete its hidden *.extracted files and "
            "run the command again."
        )
    train = dataset.train.format(root=root)
    return f"Ready: {root} (terms of use: {dataset.terms}). Train with:\n\n    {train}"


def missing_contents(dataset: PublicDataset, root: Path) -> list[str]:
    """What a folder lacks of a data set, one line for each pattern with too few files."""
    counts = {pattern: sum(1 for _ in root.glob(pattern)) for pattern in dataset.contents}
    return [
        f"{pattern} has {counts[pattern]:,} of {wanted:,} files"
        for pattern, wanted in dataset.contents.items()
        if counts[pattern] < wanted
    ]


def _fetch_and_extract(archive: Archive, dataset: PublicDataset, root: Path) -> None:
    path = root / archive.name
    try:
        fetch(archive.url, path, size=archive.size, checksum=archive.checksum)
    except InputError as error:
        files = "\n".join(f"    {each.url}  {each.size:,} bytes" for each in dataset.archives)
        raise InputError(f"{error}\n\nThe whole data set, to place in {root}:\n{files}") from error
    # Photographs hardly shrink when packed; the annotations of COCO shrink to a third.
    extract(path, root, max_bytes=5 * archive.size)
