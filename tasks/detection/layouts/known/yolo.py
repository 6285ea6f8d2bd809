"""YOLO: a .txt file a photo in labels/ beside images/, and data.yaml or classes.txt with the names.

Ultralytics' ``data.yaml``, Darknet's ``obj.data`` and ``obj.names`` and Label Studio's
``classes.txt`` are read.
"""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import yaml

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.report import counted
from tasks.detection.annotations.class_names import clean_name
from tasks.detection.layouts.assembling import Form, Photo, found_photos
from tasks.detection.layouts.found import Found, split_by_folder, usual_splits
from tasks.detection.layouts.listing import Listing, in_annotated_folders, pair
from tasks.detection.layouts.voc import without_annotations
from tasks.detection.layouts.yolo import read_labels

LABEL = r"\A\s*\d+(\.0*)?(\s+-?[\d.]+(e-?\d+)?){4,}\s*(\n|\Z)"
SETTINGS = r"(?m)^\s*(names|nc|train|val)\s*:"
NAME_LISTS = ("classes.txt", "obj.names", "names.txt", "labels.txt", "predefined_classes.txt")
LOOKED_AT = 50  # label files, for one that has a line
SHARES = "x0, y0, x1, y1 as shares of the photo"


def find(listing: Listing) -> Found | None:
    """The splits of ``data.yaml``, or those that folders tell."""
    settings_files = listing.holding(listing.named(".yaml", ".yml"), SETTINGS)
    texts = [name for name in listing.named(".txt") if not name.endswith(NAME_LISTS)]
    paired, lonely = pair(listing.images, texts)
    filled = [name for name in paired.values() if listing.head(name).strip()][:LOOKED_AT]
    labels = listing.holding(filled, LABEL)
    settings = _settings(listing, settings_files)
    if not labels and not settings:
        return None
    if not labels:
        raise InputError(
            f"{listing.root / settings_files[0]} is of YOLO's layout, but no photo has a label "
            "file: labels/NAME.txt beside images/NAME.jpg, with lines of class, x, y, width and "
            "height as shares of the photo"
        )
    lonely = listing.holding(lonely, LABEL)
    names, by = _names(listing, settings)
    images, notes = in_annotated_folders(listing.images, paired)
    splits = _divided(listing, settings, notes) or split_by_folder(sorted([*images, *lonely]))
    without = sum(image not in paired for images in splits.values() for image in images)
    keypoints = "kpt_shape" in settings
    classes = LabelMap(tuple(names.values()), tuple(names)) if names else None
    notes += [without_annotations(without, "a label file")] if without else []
    notes += [] if names else ["no data.yaml or classes.txt names the classes: numbers are names"]
    return found_photos(
        f"YOLO: {len(paired)} label files, {by}",
        {
            name: partial(_parse, listing, images, paired, names, keypoints=keypoints)
            for name, images in splits.items()
        },
        folder=listing.root,
        source=listing.root,
        form=Form(words=SHARES, shares=True, notes=tuple(notes)),
        classes=(lambda: classes) if classes else None,
        usual=usual_splits([name for name, images in splits.items() if images]),
    )


def _parse(
    listing: Listing,
    images: Sequence[str],
    labels: Mapping[str, str],
    names: Mapping[int, str],
    *,
    keypoints: bool,
) -> list[Photo]:
    return [
        Photo(
            _image_of(image),
            read_labels(listing.root / file, names, keypoints=keypoints) if file else (),
        )
        for image in images
        for file in [labels.get(image, image if image.endswith(".txt") else "")]
    ]


def _image_of(name: str) -> str:
    """The photo itself; of a label file without one, what it would be called."""
    return f"{name.removesuffix('.txt')}.jpg" if name.endswith(".txt") else name


def _settings(listing: Listing, files: Sequence[str]) -> dict[str, Any]:
    """What ``data.yaml`` says, with ``file``, its name; nothing where there is none."""
    for name in files:
        try:
            content = yaml.safe_load((listing.root / name).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"{listing.root / name} is not usable YAML: {error}") from error
        if isinstance(content, dict) and "names" in content:
            return {**content, "file": name}
    return {}


def _names(listing: Listing, settings: Mapping[str, Any]) -> tuple[dict[int, str], str]:
    """The names of the classes by their numbers, and what said them."""
    lists = [name for name in listing.named(".txt", ".names") if name.endswith(NAME_LISTS)]
    if settings:
        source, given = settings["file"], settings["names"]
    elif lists:
        source = lists[0]
        text = (listing.root / source).read_text(encoding="utf-8-sig")
        given = [line for line in text.splitlines() if line.strip()]
    else:
        return {}, "without names of classes"
    pairs = given.items() if isinstance(given, dict) else enumerate(given or ())
    try:
        return {
            int(number): clean_name(str(name), source=listing.root / source)
            for number, name in pairs
        }, f"names by {source}"
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{listing.root / source} has {given!r:.80} as names, which must be a list, or names "
            "by their numbers"
        ) from error


def _divided(
    listing: Listing, settings: Mapping[str, Any], notes: list[str]
) -> dict[str, list[str]]:
    """The photos of each split that files name, none where none does; adds what to note of it."""
    given = {name: settings[name] for name in ("train", "val", "test") if settings.get(name)}
    lists, base = _darknet(listing)
    base = posixpath.dirname(settings["file"]) if given else base
    splits = {}
    for name, places in (given or lists).items():
        found = [
            image
            for place in (places if isinstance(places, list) else [places])
            for image in _images_at(listing, str(place), base)
        ]
        missing = f"{name} is {places}, where there are no photos"
        if found:
            splits[name] = list(dict.fromkeys(found))
        elif name == "train":
            raise InputError(f"{listing.root}: {missing}. Write it relative to this folder")
        else:
            notes.append(missing)
    left = len(set(listing.images).difference(*splits.values())) if splits else 0
    if splits:
        # what was left out above is left out for another reason
        notes[:] = [note for note in notes if "left out" not in note]
    if left:
        notes.append(f"{counted(left, 'picture', 'pictures')} left out, in no split that is named")
    return splits


def _darknet(listing: Listing) -> tuple[dict[str, str], str]:
    """The lists that Darknet's ``obj.data`` names, or that lie there, and the folder of these."""
    for name in listing.named(".data"):
        rows = re.findall(r"(?m)^\s*(train|valid)\s*=\s*(\S+)\s*$", listing.head(name))
        return {
            ("val" if key == "valid" else key): place for key, place in rows
        }, posixpath.dirname(name)
    lists = [
        name
        for name in listing.named(".txt")
        if posixpath.basename(name) in ("train.txt", "val.txt", "valid.txt", "test.txt")
    ]
    base = posixpath.dirname(lists[0]) if lists else ""
    return {posixpath.basename(name).removesuffix(".txt"): name for name in lists}, base


def _images_at(listing: Listing, place: str, base: str) -> list[str]:
    """The photos in a folder, or of a list of photos, of which the end of the path is enough.

    Args:
        listing: Of all files.
        place: As written, on the machine that it was written on.
        base: The folder of the file that has it.
    """
    if place.endswith(".txt"):
        file = _found(place, base, set(listing.files).__contains__)
        if file is None:
            return []
        rows = (listing.root / file).read_text(encoding="utf-8-sig").splitlines()
        known = set(listing.images).__contains__
        return [_found(row, base, known) or row.strip() for row in rows if row.strip()]
    folder = _found(place, base, lambda end: bool(listing.below(end, listing.images)))
    if folder is not None:
        return listing.below(folder, listing.images)
    return [] if _parts(place) else listing.below(base, listing.images)


def _found(place: str, base: str, is_there: Callable[[str], bool]) -> str | None:
    """The longest end of a path that is there, from a folder or from the root."""
    parts = _parts(place)
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    both = (name for end in ends for name in (posixpath.join(base, end), end))
    return next((name for name in both if is_there(name)), None)


def _parts(place: str) -> list[str]:
    return [part for part in re.split(r"[\\/]", place.strip()) if part not in ("", ".", "..")]
