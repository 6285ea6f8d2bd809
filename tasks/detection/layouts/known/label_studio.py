"""Label Studio: its own JSON, a list of tasks with their annotations, beside the photos or images/.

Its "JSON-MIN" is read too. Its COCO, VOC and YOLO exports are of those layouts.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from backbone.errors import InputError
from tasks.common.images.finding import SUFFIXES
from tasks.detection.annotations.outlines import mask_to_polygons
from tasks.detection.layouts.assembling import Form, Photo, Thing, extent, found_photos
from tasks.detection.layouts.brush_masks import brush_mask
from tasks.detection.layouts.found import Found, split_by_folder
from tasks.detection.layouts.json_files import load_json, numbers, points_of
from tasks.detection.layouts.listing import Listing, shortened
from tasks.detection.layouts.shapes import ellipse, inside, rectangle, turned

TASKS = r'\A\s*\[\s*\{[\s\S]*"(result|rectanglelabels|polygonlabels|brushlabels)"\s*:'
BRUSH = "brushlabels"
SHAPES = {"rectanglelabels": "x y width height", "ellipselabels": "x y radiusX radiusY"}


def find(listing: Listing) -> Found | None:
    """The tasks of all such files, by the folders of these."""
    files = listing.holding(listing.named(".json"), TASKS)
    if not files:
        return None
    tasks = [(file, task) for file in files for task in load_json(listing.root / file)]
    done = [(file, task) for file, task in tasks if isinstance(task, dict) and _is_done(task)]
    left = len(tasks) - len(done)
    notes = (f"{left} of {len(tasks)} tasks are not annotated and left out",) if left else ()
    splits = split_by_folder(files)
    return found_photos(
        f"Label Studio: {shortened(files)}",
        {
            name: partial(_parse, listing, [row for row in done if row[0] in inside_files])
            for name, inside_files in splits.items()
        },
        folder=listing.root,
        source=listing.root / files[0],
        form=Form(notes=notes),
    )


def _is_done(task: Mapping[str, Any]) -> bool:
    return bool(_results(task) is not None or _minimal(task))


def _results(task: Mapping[str, Any]) -> list[Any] | None:
    """What the last annotation of a task says that was not cancelled; None without one."""
    given = task.get("annotations") or task.get("completions")
    if not isinstance(given, list):
        return None
    valid = [one for one in given if isinstance(one, dict) and not one.get("was_cancelled")]
    return list(valid[-1].get("result") or []) if valid else None


def _minimal(task: Mapping[str, Any]) -> list[Any]:
    """The shapes of JSON-MIN, under the name of the control that drew them."""
    return [
        {"value": shape, **shape}
        for shapes in task.values()
        if isinstance(shapes, list)
        for shape in shapes
        if isinstance(shape, dict) and "original_width" in shape
    ]


def _parse(listing: Listing, tasks: list[tuple[str, dict[str, Any]]]) -> list[Photo]:
    return [_photo(listing, file, task) for file, task in tasks]


def _photo(listing: Listing, file: str, task: dict[str, Any]) -> Photo:
    where = f"{listing.root / file}: task {task.get('id')}"
    results = _results(task)
    things, remarks, size = [], [], None
    for result in results if results is not None else _minimal(task):
        value = result.get("value")
        kind = next((key for key in value if key.endswith("labels")), None) if value else None
        if not isinstance(value, dict) or kind is None:
            continue  # a choice, a relation or a text
        size = _size(result, where)
        if kind == BRUSH:
            painted = _painted(value, size, where)
            if painted is None:
                remarks.append("left out, of a brush that painted nothing")
            else:
                things.append(painted)
            continue
        points = _points(value, kind, size, where)
        if points is None:
            remarks.append(f"left out, neither box nor outline: {kind.removesuffix('labels')}")
            continue
        if value.get("rotation"):
            remarks.append("turned, of which the upright box around them is taken")
        outline = [points] if kind != "rectanglelabels" or value.get("rotation") else []
        things.append(Thing(_label(value, kind), extent(points), outline))
    return Photo(listing.near(file, _name(task, where)), things, size, remarks)


def _label(value: Mapping[str, Any], kind: str) -> str:
    return str((value[kind] or [""])[0])


def _painted(value: Mapping[str, Any], size: tuple[int, int], where: str) -> Thing | None:
    """What a brush painted, with its box; None if that is nothing."""
    try:
        mask = brush_mask(value["rle"], size=size)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} has a brush mask that cannot be read: {error}") from error
    polygons = [polygon.ravel().tolist() for polygon in mask_to_polygons(mask)]
    points = [value for polygon in polygons for value in polygon]
    return Thing(_label(value, BRUSH), extent(points), polygons) if points else None


def _size(result: Mapping[str, Any], where: str) -> tuple[int, int]:
    sides = [result.get("original_width"), result.get("original_height")]
    width, height = numbers(sides, where=f"{where}: original_width, original_height")
    return int(width), int(height)


def _points(
    value: Mapping[str, Any], kind: str, size: tuple[int, int], where: str
) -> list[float] | None:
    """The outline of a shape in pixels; None if it has none."""
    width, height = size
    if kind == "polygonlabels":
        shares = points_of(value.get("points") or [], where=where)
        return [share / 100 * side for share, side in zip(shares, [width, height] * len(shares))]  # noqa: B905
    if kind not in SHAPES:
        return None
    given = numbers([value.get(key) for key in SHAPES[kind].split()], where=where)
    x, y, a, b = (share / 100 * side for share, side in zip(given, [*size, *size], strict=True))
    points = rectangle(x, y, x + a, y + b) if kind == "rectanglelabels" else ellipse(x, y, a, b)
    angle = float(value.get("rotation") or 0)
    # a box turns around its upper left corner
    return inside(turned(points, angle, around=(x, y)), size) if angle else points


def _name(task: Mapping[str, Any], where: str) -> str:
    """What a task calls its photo: a text that ends as names of images do."""
    texts = [*(task.get("data") or task).values(), task.get("file_upload")]
    for text in texts:
        if isinstance(text, str) and urlsplit(text).path.lower().endswith(SUFFIXES):
            return text
        if isinstance(text, str) and text.lower().endswith(SUFFIXES):
            return text
    raise InputError(f"{where} names no image: its data are {texts!r:.120}")
