"""Which folder is to train on and which to validate on, whatever they are called."""

from pathlib import Path
from typing import NamedTuple

from backbone.errors import InputError
from tasks.classification.layouts.class_folders import class_folders, loose_photos, nothing_in
from tasks.classification.layouts.tiny_imagenet import has_list
from tasks.common.data.split_words import TRAIN, VALIDATED
from tasks.common.report import counted

MAX_SHOWN = 5
SHARE = "data.val_share=0.2 holds a fifth of the photos out to validate on"


class SplitFolders(NamedTuple):
    """The folders of a data set, each with class folders; None for one that is not there."""

    train: Path | None
    val: Path | None


def find_splits(root: Path) -> SplitFolders:
    """The folders of both splits, by any of the words for them.

    Folders of those names that have no folders inside, beside others, are classes: a ``train`` is a
    vehicle, too.
    """
    inside = {name.lower(): root / name for name in class_folders(root)}
    found = {word: inside[word] for word in (*TRAIN, *VALIDATED) if word in inside}
    if not any(class_folders(folder) for folder in found.values()) and len(inside) > len(found):
        return SplitFolders(None, None)
    train, val = (
        next((found[word] for word in words if word in found), None) for words in (TRAIN, VALIDATED)
    )
    return SplitFolders(train, val)


def check_splits(root: Path, splits: SplitFolders, split: str, *, val_share: float | None) -> None:
    """Refuses a folder that lacks what is to be read, before any photo is looked at.

    Args:
        root: Of the data set.
        splits: What it has.
        split: That is to be read. Who trains validates, too.
        val_share: As given; then one folder is shared out.

    Raises:
        InputError: Saying what is missing, what is there instead, and the ways out.
    """
    if val_share is not None:
        if splits.val:
            raise InputError(
                f"data.val_share={val_share}: {splits.val} is there to validate on. Give "
                "data.val_share=null, or the folder of classes alone as data.root"
            )
        return
    lacking = [
        f"{words[0]}/ (nor {', '.join(words[1:])})"
        for words, folder in ((TRAIN, splits.train), (VALIDATED, splits.val))
        if folder is None and not (split == "val" and words is TRAIN)
    ]
    if lacking:
        raise InputError(
            f"data.root={root} has no {' and no '.join(lacking)}. {_there(root)}. "
            f"{_way_out(root, splits)}"
        )
    for folder in filter(None, splits):
        if not (class_folders(folder) or has_list(folder)):
            raise nothing_in(folder)


def _there(root: Path) -> str:
    """What a folder has instead."""
    folders, loose = class_folders(root), loose_photos(root)
    shown = ", ".join(folders[:MAX_SHOWN]) + ", ..." * (len(folders) > MAX_SHOWN)
    parts = [f"{counted(len(folders), 'folder', 'folders')} ({shown})"] if folders else []
    parts += [f"{counted(len(loose), 'photo', 'photos')} in no folder"] if loose else []
    tables = sorted(path.name for path in root.glob("*.[ct]sv"))
    parts += [f"the table {tables[0]}"] if tables else []
    return f"It has {' and '.join(parts) or 'no folders and no photos'}"


def _way_out(root: Path, splits: SplitFolders) -> str:
    deeper = [root / name for name in class_folders(root) if any(find_splits(root / name))]
    if splits.train:
        return f"{SHARE}; or make a folder to validate on, of the same classes"
    if splits.val:
        return "Make a folder to train on, of the same classes"
    if deeper:
        return f"Splits are in {deeper[0]}: give data.root={deeper[0]}"
    if any(root.glob("*.[ct]sv")):
        return "Labels in a table: data=table, with data.root, takes a column of classes"
    return f"If its folders are classes, {SHARE}"
