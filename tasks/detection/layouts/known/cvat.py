"""CVAT: its own XML, "CVAT for images 1.1", annotations.xml beside the photos or images/."""

from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from backbone.errors import InputError
from tasks.detection.annotations.outlines import mask_to_polygons, runs_to_mask
from tasks.detection.layouts.assembling import Photo, Thing, extent, found_photos
from tasks.detection.layouts.found import Found, role_of
from tasks.detection.layouts.listing import Listing, shortened
from tasks.detection.layouts.shapes import ellipse, inside, rectangle, turned
from tasks.detection.layouts.voc import parse_xml

ANNOTATIONS = r"<annotations[\s>]"
TURNED = "turned, of which the upright box around them is taken"


def find(listing: Listing) -> Found | None:
    """The photos of all such files, by their ``subset`` or the folder of their file."""
    files = listing.holding(listing.named(".xml"), ANNOTATIONS)
    if not files:
        return None
    photos: dict[str, list[tuple[str, Element]]] = {}
    for file in files:
        tree = parse_xml(listing.root / file, root="annotations")
        if tree.find("track") is not None:
            raise InputError(
                f"{listing.root / file} is CVAT's XML for video, whose photos are frames of a "
                'film: export it as "CVAT for images 1.1", or as COCO, with its images'
            )
        for node in tree.findall("image"):
            split = node.get("subset") or _folder(file) or _folder(node.get("name", "")) or "all"
            photos.setdefault(split, []).append((file, node))
    return found_photos(
        f"CVAT: {shortened(files)}",
        {name: partial(_parse, listing, nodes) for name, nodes in photos.items()},
        folder=listing.root,
        source=listing.root / files[0],
    )


def _folder(name: str) -> str | None:
    return next((part for part in name.split("/")[:-1] if role_of(part)), None)


def _parse(listing: Listing, nodes: list[tuple[str, Element]]) -> list[Photo]:
    return [_photo(node, listing.root / file, listing, file) for file, node in nodes]


def _photo(node: Element, source: Any, listing: Listing, file: str) -> Photo:
    name = node.get("name", "")
    where = f"{source}: image {node.get('id')} ({name})"
    size = (int(_number(node, "width", where)), int(_number(node, "height", where)))
    things, remarks = [], []
    for shape in node:
        if shape.tag == "tag":
            continue
        thing = _thing(shape, size, where)
        if thing is None:
            remarks.append(f"left out, neither box nor outline: {shape.tag}")
        else:
            things.append(thing)
            if float(shape.get("rotation") or 0):
                remarks.append(TURNED)
    return Photo(listing.near(file, name), things, size, remarks)


def _thing(shape: Element, size: tuple[int, int], where: str) -> Thing | None:
    label = shape.get("label") or ""
    angle = float(shape.get("rotation") or 0)
    if shape.tag == "box":
        corners = [_number(shape, key, where) for key in ("xtl", "ytl", "xbr", "ybr")]
        if not angle:
            return Thing(label, corners)
        points = rectangle(*corners)
        centre = ((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2)
    elif shape.tag == "polygon":
        pairs = (shape.get("points") or "").replace(",", ";").split(";")
        try:
            points, centre = [float(value) for value in pairs], (0.0, 0.0)
        except ValueError as error:
            raise InputError(f"{where} has a polygon of other than numbers") from error
    elif shape.tag == "ellipse":
        x, y, *radii = (_number(shape, key, where) for key in ("cx", "cy", "rx", "ry"))
        points, centre = ellipse(x, y, *radii), (x, y)
    elif shape.tag == "mask":
        return _mask(shape, label, where)
    else:
        return None
    if angle:
        points = inside(turned(points, angle, around=centre), size)
    return Thing(label, extent(points), [points])


def _mask(shape: Element, label: str, where: str) -> Thing:
    """An object that was painted: runs along the rows of a box, outside and inside in turn."""
    left, top, width, height = (
        int(_number(shape, key, where)) for key in ("left", "top", "width", "height")
    )
    runs = np.array([int(run) for run in (shape.get("rle") or "").split(",") if run.strip()])
    if runs.sum() != width * height:
        raise InputError(f"{where} has a mask whose runs do not fill its {width}x{height} pixels")
    # runs go along rows, and the reader wants them along columns
    mask = runs_to_mask(runs, size=(height, width)).T
    polygons = [np.add(part, [left, top]).ravel().tolist() for part in mask_to_polygons(mask)]
    if not polygons:
        return Thing(label, [left, top, left, top])
    return Thing(label, extent([value for part in polygons for value in part]), polygons)


def _number(node: Element, key: str, where: str) -> float:
    try:
        return float(node.get(key, ""))
    except ValueError as error:
        raise InputError(f"{where}: <{node.tag}> has {node.get(key)!r} as {key}") from error
