"""labelme: a JSON file a photo, beside it, with shapes."""

from functools import partial
from math import hypot
from typing import Any

from backbone.errors import InputError
from tasks.detection.layouts.assembling import Form, Photo, Thing, extent, found_photos
from tasks.detection.layouts.found import Found, split_by_folder
from tasks.detection.layouts.json_files import load_json, numbers, points_of
from tasks.detection.layouts.listing import Listing, in_annotated_folders, pair
from tasks.detection.layouts.shapes import ellipse
from tasks.detection.layouts.voc import without_annotations

SHAPES = r'\A\s*\{[\s\S]*"shapes"\s*:\s*\['


def find(listing: Listing) -> Found | None:
    """All photos, by their folders."""
    files = listing.holding(listing.named(".json"), SHAPES)
    if not files:
        return None
    paired, lonely = pair(listing.images, files)
    named = {file: _named(listing, file) for file in lonely}
    paired |= {image: file for file, image in named.items() if image in listing.images}
    images, notes = in_annotated_folders(listing.images, paired)
    without = len(images) - len(paired)
    notes += [without_annotations(without, "JSON")] if without else []
    missing = [file for file, image in named.items() if image not in listing.images]
    sources = sorted([*images, *missing])
    return found_photos(
        f"labelme: {len(files)} JSON files",
        {
            name: partial(_parse, listing, keys, paired)
            for name, keys in split_by_folder(sources).items()
        },
        folder=listing.root,
        source=listing.root,
        form=Form(notes=tuple(notes)),
    )


def _named(listing: Listing, file: str) -> str:
    """The photo that a file names."""
    content = load_json(listing.root / file)
    return listing.near(file, str(content.get("imagePath") or f"{file.removesuffix('.json')}.jpg"))


def _parse(listing: Listing, sources: list[str], files: dict[str, str]) -> list[Photo]:
    photos = []
    for source in sources:
        file = source if source.endswith(".json") else files.get(source)
        if file is None:
            photos.append(Photo(source, ()))
        else:
            image = _named(listing, file) if file == source else source
            photos.append(_photo(listing, file, image))
    return photos


def _photo(listing: Listing, file: str, image: str) -> Photo:
    where = str(listing.root / file)
    content = load_json(listing.root / file)
    things, remarks = [], []
    for shape in content["shapes"]:
        if not isinstance(shape, dict):
            raise InputError(f"{where} has the shape {shape!r:.80}, which is no object")
        thing = _thing(shape, where)
        if thing:
            things.append(thing)
        else:
            remarks.append(f"left out, neither box nor outline: {shape.get('shape_type')}")
    sides = [content.get("imageWidth"), content.get("imageHeight")]
    size = None
    if all(sides):
        width, height = numbers(sides, where=f"{where}: imageWidth, imageHeight")
        size = int(width), int(height)
    return Photo(image, things, size, remarks)


def _thing(shape: dict[str, Any], where: str) -> Thing | None:
    label, kind = str(shape.get("label") or ""), shape.get("shape_type") or "polygon"
    points = points_of(shape.get("points") or [], where=f"{where}: {label}")
    if kind in ("rectangle", "mask") and len(points) >= 4:
        return Thing(label, extent(points))  # of either diagonal, or all four corners
    if kind == "circle" and len(points) == 4:
        x, y, *edge = points
        radius = hypot(edge[0] - x, edge[1] - y)
        outline = ellipse(x, y, radius, radius)
        return Thing(label, extent(outline), [outline])
    if kind == "polygon" and len(points) >= 6:
        return Thing(label, extent(points), [points])
    return None
