"""VIA: the JSON or CSV of the VGG Image Annotator, beside the photos."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from backbone.errors import InputError
from tasks.detection.layouts.assembling import Photo, Thing, extent, found_photos
from tasks.detection.layouts.found import Found, role_of, split_by_folder
from tasks.detection.layouts.json_files import load_json, numbers
from tasks.detection.layouts.listing import Listing, shortened
from tasks.detection.layouts.shapes import ellipse, rectangle

JSON = r'\A\s*\{[\s\S]*("_via_img_metadata"|"regions"\s*:\s*[\[{])'
TABLE = r"\A#?filename\s*,[^\n]*region_shape_attributes"
# What classes are mostly called, where regions have several attributes.
CLASS_NAMES = ("class", "label", "name", "category", "type", "object", "object_name")


class Region(NamedTuple):
    """A shape on a photo: the photo's name, the shape and its attributes."""

    photo: str
    shape: dict[str, Any] | None
    attributes: dict[str, Any]


def find(listing: Listing) -> Found | None:
    """The photos of all such files, by the folders or names of these."""
    files = listing.holding(listing.named(".json"), JSON)
    files += listing.holding(listing.named(".csv"), TABLE)
    if not files:
        return None
    splits = split_by_folder(files)
    if len(splits) == 1 and all(role_of(file) for file in files):
        splits = {file.rpartition(".")[0]: [file] for file in files}
    return found_photos(
        f"VIA: {shortened(files)}",
        {name: partial(_parse, listing, rows) for name, rows in splits.items()},
        folder=listing.root,
        source=listing.root / files[0],
    )


def _parse(listing: Listing, files: list[str]) -> list[Photo]:
    photos = []
    for file in files:
        read = _of_table if file.endswith(".csv") else _of_json
        regions = list(read(listing, file))
        key = _class_key(regions, listing.root / file)
        by_photo: dict[str, list[Region]] = {}
        for region in regions:
            by_photo.setdefault(region.photo, []).append(region)
        photos += [
            _photo(listing.near(file, name), rows, key, f"{listing.root / file}: {name}")
            for name, rows in by_photo.items()
        ]
    return photos


def _of_json(listing: Listing, file: str) -> Iterator[Region]:
    content = load_json(listing.root / file)
    content = content.get("_via_img_metadata", content)
    for entry in content.values():
        if not isinstance(entry, dict) or "filename" not in entry:
            continue
        yield Region(entry["filename"], None, {})
        regions = entry.get("regions") or []
        for region in regions.values() if isinstance(regions, dict) else regions:
            shape, attributes = region["shape_attributes"], region.get("region_attributes") or {}
            yield Region(entry["filename"], shape, attributes)


def _of_table(listing: Listing, file: str) -> Iterator[Region]:
    text = (listing.root / file).read_text(encoding="utf-8-sig")
    for row in csv.DictReader(text.lstrip("#").splitlines()):
        try:
            shape = json.loads(row["region_shape_attributes"] or "{}")
            attributes = json.loads(row["region_attributes"] or "{}")
        except (KeyError, ValueError) as error:
            raise InputError(f"{listing.root / file}: {row!r:.120} is no row of VIA's") from error
        yield Region(row["filename"], shape or None, attributes)


def _class_key(regions: list[Region], source: Any) -> str:
    """The attribute that holds the class: the only one, or one that is called so.

    Raises:
        InputError: If there are several and none is called so, or none at all.
    """
    counts = Counter(key for region in regions if region.shape for key in region.attributes)
    likely = [key for key in counts if key.lower() in CLASS_NAMES]
    ordered = sorted(likely, key=lambda key: CLASS_NAMES.index(key.lower())) or list(counts)
    if len(counts) > 1 and not likely:
        raise InputError(
            f"{source}: regions have the attributes {', '.join(counts)}; call the one that is the "
            "class 'class'"
        )
    if not counts and any(region.shape for region in regions):
        raise InputError(f"{source}: regions have no attribute that says their class")
    return ordered[0] if ordered else ""


def _photo(file: str, regions: list[Region], key: str, where: str) -> Photo:
    things, remarks = [], []
    for region in regions:
        if not region.shape:
            continue
        points = _points(region.shape, where)
        if points is None:
            kind = region.shape.get("name")
            remarks.append(f"left out, neither box nor outline: {kind}")
            continue
        outline = [] if region.shape.get("name") == "rect" else [points]
        things.append(Thing(_label(region.attributes.get(key)), extent(points), outline))
    return Photo(file, things, None, remarks)


def _label(value: Any) -> str:
    """The class; of boxes to tick, the one that is ticked."""
    if isinstance(value, dict):
        return next((str(name) for name, ticked in value.items() if ticked), "")
    return str(value or "")


def _points(shape: dict[str, Any], where: str) -> list[float] | None:
    """The outline of a shape; None if it has none."""
    name = shape.get("name")
    if name == "rect":
        x, y, width, height = numbers([shape.get(k) for k in ("x", "y", "width", "height")],
                                      where=where)  # fmt: skip
        return rectangle(x, y, x + width, y + height)
    if name in ("polygon", "polyline") and name == "polygon":
        xs, ys = shape.get("all_points_x") or [], shape.get("all_points_y") or []
        if len(xs) != len(ys) or len(xs) < 3:
            raise InputError(f"{where} has a polygon of {len(xs)} x and {len(ys)} y")
        return numbers([value for pair in zip(xs, ys, strict=True) for value in pair], where=where)
    if name == "circle":
        x, y, radius = numbers([shape.get(key) for key in ("cx", "cy", "r")], where=where)
        return ellipse(x, y, radius, radius)
    if name == "ellipse":
        return ellipse(*numbers([shape.get(k) for k in ("cx", "cy", "rx", "ry")], where=where))
    return None
