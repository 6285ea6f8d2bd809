"""What a folder holds: splits by name, and how each is read."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backbone.errors import InputError
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.joining import join

# What splits are called, the first is preferred.
ROLES = {
    "train": ("train", "trainval", "training"),
    "val": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test", "testing"),
}


@dataclass(frozen=True)
class Reading:
    """How a data set is to be read.

    Attributes:
        on_bad_box: See ``check_boxes``.
        masks: Whether outlines are needed.
        exif: ``apply``, or ``ignore`` for boxes on stored pixels: see ``stored_pixels``.
    """

    on_bad_box: str = "error"
    masks: bool = False
    exif: str = "apply"


Read = Callable[[Reading], Annotations]


@dataclass(frozen=True)
class Found:
    """A data set in a folder.

    Attributes:
        what: The layout, and what it was told by, for the report.
        splits: How each is read, by its name.
        train: The name of the one to train on; None without one.
        val: The name of the one to validate on; None without one.
    """

    what: str
    splits: Mapping[str, Read]
    train: str | None = None
    val: str | None = None

    def overridden(self, by: "Found") -> "Found":
        """The same with splits of another one instead."""
        splits = {**self.splits, **by.splits}
        return Found(f"{self.what}; {by.what}", splits, by.train or self.train, by.val or self.val)


def in_turn(readers: Sequence[Read]) -> Read:
    """Reads several sets as one."""
    return lambda reading: join([read(reading) for read in readers])


def join_found(by_folder: Mapping[str, Found]) -> Found:
    """Several data sets as one: of each, what it has to train and to validate on.

    Args:
        by_folder: What was found in each folder.

    Raises:
        InputError: If one has nothing to train on, and another has.
    """
    sets = list(by_folder.values())
    if len(sets) == 1:
        return sets[0]
    splits: dict[str, Read] = {}
    for role in ("train", "val"):
        names = [getattr(found, role) for found in sets]
        readers = [found.splits[name] for found, name in zip(sets, names, strict=True) if name]
        if readers:
            splits[role] = in_turn(readers)
        if role == "train" and 0 < len(readers) < len(sets):
            without = [found.what for found, name in zip(sets, names, strict=True) if not name]
            raise InputError(f"data.roots: no split to train on in {'; '.join(without)}")
    what = "; ".join(f"{folder}: {found.what}" for folder, found in by_folder.items())
    return Found(what, splits, *(role if role in splits else None for role in ("train", "val")))


def role_of(name: str) -> str | None:
    """Whether a name has ``train``, ``val`` or ``test`` in it, or a word for it; the last counts.

    >>> role_of("instances_train2017"), role_of("valid/_annotations"), role_of("retrained")
    ('train', 'val', None)
    """
    words = re.findall(r"[a-z]+", name.lower())
    roles = [role for word in words for role, known in ROLES.items() if word in known]
    return roles[-1] if roles else None


def usual_splits(names: Sequence[str]) -> tuple[str | None, str | None]:
    """Which of the splits to train and to validate on; where there is but one, to train on it.

    Validation is on ``val``, or else on ``test``. None where there is none, or where several would
    do: ``data.train_split`` and ``data.val_split`` then choose.
    """
    if len(names) == 1 and role_of(names[0]) is None:
        return names[0], None
    by_role: dict[str | None, list[str]] = {}
    for name in names:
        by_role.setdefault(role_of(name), []).append(name)
    train, val, test = (_preferred(by_role.get(role, []), ROLES[role]) for role in ROLES)
    if val is None and "val" not in by_role:
        val = test
    undivided = by_role.get(None, [])
    if train is None and val is not None and len(undivided) == 1:
        train = undivided[0]
    return train, val


def _preferred(names: Sequence[str], words: Sequence[str]) -> str | None:
    if len(names) == 1:
        return names[0]
    return next((word for word in words if word in names), None)


def chosen_split(found: Found, setting: str, name: str | None, usual: str | None) -> str | None:
    """The split that a setting names, or the usual one.

    Raises:
        InputError: If there is none of that name.
    """
    if name is None:
        return usual
    if str(name) not in found.splits:
        raise InputError(
            f"{setting}={name}: there is no such split in {found.what}; there are "
            f"{', '.join(map(str, found.splits))}"
        )
    return str(name)


def split_by_folder(names: Sequence[str]) -> dict[str, list[str]]:
    """Names by the folder nearest to them that tells a split, ``rest`` for those without one.

    >>> split_by_folder(["train/images/0.jpg", "valid/images/1.jpg"])
    {'train': ['train/images/0.jpg'], 'valid': ['valid/images/1.jpg']}
    """
    splits: dict[str, list[str]] = {}
    for name in names:
        folders = [folder for folder in name.split("/")[:-1] if role_of(folder)]
        splits.setdefault(folders[-1] if folders else "rest", []).append(name)
    return {"all": splits["rest"]} if list(splits) == ["rest"] else splits
