"""COCO: a JSON with images, annotations and categories, as annotations/instances_train2017.json.

Also Roboflow's ``_annotations.coco.json`` in ``train/`` and ``valid/``, Label Studio's
``result.json`` and any other JSON of these sections, whatever it is called.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path, PurePosixPath

from tasks.detection.annotations.arrays import Annotations
from tasks.detection.layouts.coco import read_coco
from tasks.detection.layouts.found import Found, Reading, role_of, usual_splits
from tasks.detection.layouts.listing import Listing, shortened

SECTIONS = r'^\s*\{[\s\S]*"(images|annotations)"\s*:\s*\['
# Other files of COCO's, and those that commands of ours write.
NO_BOXES = ("captions", "keypoints", "image_info", "stuff", "panoptic", "predictions", "metrics")
ROBOFLOW = "_annotations.coco.json"
IMAGE_FOLDERS = ("images", "JPEGImages", "data", "imgs")


def find(listing: Listing) -> Found | None:
    """A split for each file of boxes."""
    files = _files(listing)
    if not files:
        return None
    splits: dict[str, Callable[[Reading], Annotations]] = {
        name: partial(_read, file=listing.root / file, folders=_folders(listing, file, name))
        for name, file in files.items()
    }
    train, val = usual_splits(list(splits))
    return Found(f"COCO: {shortened(list(files.values()))}", splits, train, val)


def reader(file: Path, folders: list[Path]) -> Callable[[Reading], Annotations]:
    """Reads one file, whose photos are in one of the folders."""
    return partial(_read, file=file, folders=folders)


def beside(file: Path) -> list[Path]:
    """Where the photos of a file may be if nothing says so."""
    return [file.parent, *(file.parent / name for name in IMAGE_FOLDERS), file.parent.parent]


def _read(reading: Reading, *, file: Path, folders: list[Path]) -> Annotations:
    return read_coco(file, folders, **asdict(reading))


def _files(listing: Listing) -> dict[str, str]:
    """The files of boxes, by the names of their splits."""
    files = listing.named(".json")
    # by their names, whatever is in them: one that is broken must be refused, not overlooked
    named = [name for name in files if PurePosixPath(name).name.startswith("instances_")]
    named = named or [name for name in files if name.endswith(ROBOFLOW)]
    others = [name for name in files if not _is_aside(PurePosixPath(name).name.lower())]
    chosen = named or listing.holding(others, SECTIONS)
    names = [_split_name(name) for name in chosen]
    if len(set(names)) < len(names):
        names = [name.removesuffix(".json") for name in chosen]
    return dict(zip(names, chosen, strict=True))


def _is_aside(name: str) -> bool:
    return any(word in name for word in NO_BOXES)


def _split_name(file: str) -> str:
    """``train2017`` for instances_train2017.json, ``train`` for train/_annotations.coco.json."""
    path = PurePosixPath(file)
    stem = path.stem.removeprefix("instances_")
    if role_of(stem) is None and role_of(str(path.parent)):
        return next(part for part in reversed(path.parent.parts) if role_of(part))
    return stem


def _folders(listing: Listing, file: str, split: str) -> list[Path]:
    """Where its photos may be, the likeliest first."""
    own = listing.root / file
    bases = [base for base in (own.parent.parent, own.parent) if base.is_relative_to(listing.root)]
    bases = list(dict.fromkeys([*bases, listing.root]))
    found = [folder for base in bases for folder in _named(base, split)]
    found += [*beside(own), *(base / name for base in bases for name in IMAGE_FOLDERS), *bases]
    inside = [folder for folder in found if folder.is_relative_to(listing.root)]
    return list(dict.fromkeys(folder for folder in inside if folder.is_dir()))


def _named(base: Path, split: str) -> list[Path]:
    """Folders below one that are called as a split is, or have its role."""
    role = role_of(split)
    names = [path.name for path in sorted(base.iterdir()) if path.is_dir()]
    named = dict.fromkeys([split, *(name for name in names if role and role_of(name) == role)])
    return [
        *(base / name for name in named),
        *(base / images / name for images in IMAGE_FOLDERS for name in named),
        *(base / name / images for images in IMAGE_FOLDERS for name in named),
    ]
