"""Scenes of four kinds of toys, drawn in code and written as a COCO data set.

They stand in for photographs where there are none: real files in the real layout, small enough to
learn in minutes. Category ids start late and have gaps, as COCO's own do.
"""

import colorsys
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backbone.errors import InputError
from tasks.common.synthetic.write_once import write_once
from tasks.detection.annotations.outlines import mask_to_polygons
from tasks.detection.demo.toys import TOYS, Picture, Toy

Rng = np.random.Generator
# Raised whenever the drawings change, so that old scenes are not taken for new ones.
VERSION = 1
MIN_SIZE = 32
EMPTY_CHANCE = 0.025
MAX_TOYS = 6
SIDE_RANGE = (0.15, 0.55)
MAX_COVERED = 0.2
PLACING_TRIALS = 30
HUE_SPREAD_DEG = 40
JPEG_QUALITY = 92
# Far apart, so that the images to validate on are the same however many there are to train on.
FIRST_IDS = {"train2017": 1, "val2017": 1_000_001}


def write_scenes(root: Path, *, num_train: int, num_val: int, seed: int, size: int = 320) -> None:
    """Writes a COCO data set of scenes, unless it is there already.

    Args:
        root: Gets ``train2017``, ``val2017``, ``annotations`` and the settings in ``scenes.json``.
        num_train: Images to train on.
        num_val: Images to validate on.
        seed: Decides every pixel and byte, given the versions of the libraries.
        size: Side of the square images, in pixels.

    Raises:
        InputError: If the sizes make no data set, or ``root`` holds anything else.
    """
    if min(num_train, num_val) < 1 or size < MIN_SIZE:
        raise InputError(
            f"Scenes need at least one image per split and {MIN_SIZE} pixels a side, "
            f"not {num_train} + {num_val} images of {size}."
        )
    counts = {"train2017": num_train, "val2017": num_val}
    settings = {"version": VERSION, "seed": seed, "size": size, "num_images": counts}
    write_once(root, settings, partial(_write_folder, settings=settings), name="scenes")


def _write_folder(root: Path, settings: dict[str, Any]) -> None:
    (root / "annotations").mkdir()
    for split, num_images in settings["num_images"].items():
        image_ids = range(FIRST_IDS[split], FIRST_IDS[split] + num_images)
        annotations = _write_split(root / split, image_ids, settings["seed"], settings["size"])
        (root / "annotations" / f"instances_{split}.json").write_text(
            json.dumps(annotations), encoding="utf-8"
        )


def _write_split(folder: Path, image_ids: range, seed: int, size: int) -> dict[str, Any]:
    """Writes the images of a split and returns its annotations in COCO's form."""
    folder.mkdir()
    images, annotations = [], []
    for image_id in image_ids:
        picture, objects = draw_scene(np.random.default_rng((seed, image_id)), size)
        name = f"{image_id:012d}.jpg"
        _write_jpeg(folder / name, picture)
        images.append({"id": image_id, "file_name": name, "width": size, "height": size})
        for order, fields in enumerate(objects):
            annotation_id = MAX_TOYS * image_id + order
            annotations.append({"id": annotation_id, "image_id": image_id, **fields})
    return {
        "info": {"description": "Toy scenes drawn in code", "version": str(VERSION)},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": toy.category_id, "name": name, "supercategory": "toy"}
            for name, toy in TOYS.items()
        ],
    }


def _write_jpeg(path: Path, picture: NDArray[np.uint8]) -> None:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    path.write_bytes(data.tobytes())


def draw_scene(rng: Rng, size: int) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
    """Draws a scene of up to six toys.

    Returns:
        The RGB picture, ``(size, size, 3)``, and for each toy its COCO fields: category, box
        (xywh pixels), outline and area, all of the pixels that can be seen.
    """
    canvas = _background(rng, size)
    owner = np.zeros((size, size), np.uint8)
    categories = []
    for order, (centre, half) in enumerate(_places(rng, size), start=1):
        toy = list(TOYS.values())[rng.integers(len(TOYS))]
        owner[_draw_toy(canvas, toy, centre, half, rng)] = order
        categories.append(toy.category_id)
    grain = rng.standard_normal(canvas.shape, dtype=np.float32)
    picture = np.clip(canvas + 3 * grain, 0, 255).astype(np.uint8)
    return picture, [_coco_fields(owner == i, c) for i, c in enumerate(categories, start=1)]


def _coco_fields(seen: NDArray[np.bool_], category_id: int) -> dict[str, Any]:
    """The annotation of a toy of which ``seen`` pixels, ``(size, size)``, show."""
    x, y, width, height = cv2.boundingRect(seen.astype(np.uint8))
    return {
        "category_id": category_id,
        "bbox": [x, y, width, height],
        "segmentation": [polygon.ravel().tolist() for polygon in mask_to_polygons(seen)],
        "area": int(seen.sum()),
        "iscrowd": 0,
    }


def _places(rng: Rng, size: int) -> list[tuple[NDArray[np.float64], float]]:
    """Centres (x, y) and half sides, in pixels, of toys that hide little of each other."""
    if rng.random() < EMPTY_CHANCE:
        return []
    places: list[tuple[NDArray[np.float64], float]] = []
    wanted = rng.integers(1, MAX_TOYS + 1)
    for _ in range(PLACING_TRIALS):
        half = rng.uniform(*SIDE_RANGE) * size / 2
        centre = rng.uniform(half, size - half, size=2)
        if len(places) < wanted and all(_apart(centre, half, *place) for place in places):
            places.append((centre, half))
    return places


def _apart(centre: NDArray, half: float, other_centre: NDArray, other_half: float) -> bool:
    """Whether two squares share little of the smaller, which a small IoU would let a large bury."""
    smaller = 2 * min(half, other_half)
    shared = np.clip(half + other_half - np.abs(centre - other_centre), 0, smaller)
    return shared.prod() < MAX_COVERED * smaller**2


def _draw_toy(
    canvas: Picture, toy: Toy, centre: NDArray, half: float, rng: Rng
) -> NDArray[np.bool_]:
    """Draws a toy with its shadow, antialiased, and returns its pixels, ``(size, size)``."""
    angle = rng.uniform(-0.35, 0.35)
    colour = _colour(rng, toy.hue_deg)
    rows, columns = (_span(position, half, len(canvas)) for position in centre[::-1])
    x, y = (
        ((np.arange(span.start, span.stop) + 0.5 - middle) / half).astype(np.float32)
        for span, middle in zip((columns, rows), centre, strict=True)
    )
    x, y = np.meshgrid(x, y)
    distance, light = toy.shape(*_rotated(x, y, angle))
    shadow, _ = toy.shape(*_rotated(x - 0.05, y - 0.08, angle))
    patch = canvas[rows, columns]
    patch *= 1 - 0.45 * np.clip(0.5 - 6 * shadow, 0, 1)[..., None]
    cover = np.clip(0.5 - distance * half, 0, 1)[..., None]
    patch += cover * (_lit(colour, light) - patch)
    seen = np.zeros(canvas.shape[:2], bool)
    seen[rows, columns] = cover[..., 0] >= 0.5
    return seen


def _span(position: float, half: float, size: int) -> slice:
    """The pixels of a side that a toy and its shadow may touch."""
    reach = 1.2 * half + 2
    return slice(max(0, math.floor(position - reach)), min(size, math.ceil(position + reach)))


def _rotated(x: Picture, y: Picture, angle: float) -> tuple[Picture, Picture]:
    return x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)


def _lit(colour: NDArray, light: Picture) -> Picture:
    """A colour under a brightness from 0 (black) over 1 (itself) to 2 (white), ``(H, W, 3)``."""
    light = np.clip(light, 0, 2)[..., None]
    return colour * np.minimum(light, 1) + (255 - colour) * np.maximum(light - 1, 0)


def _colour(rng: Rng, hue_deg: float) -> NDArray[np.float32]:
    hue = (hue_deg + rng.uniform(-HUE_SPREAD_DEG, HUE_SPREAD_DEG)) % 360 / 360
    saturation, value = rng.uniform((0.55, 0.75), (0.85, 0.95))
    return 255 * np.array(colorsys.hsv_to_rgb(hue, saturation, value), np.float32)


def _background(rng: Rng, size: int) -> Picture:
    """A soft gradient with blotches and a clutter of thin lines, RGB ``(size, size, 3)``."""
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    slope = rng.uniform(-1, 1, size=2).astype(np.float32)
    blend = slope[0] * ramp + slope[1] * ramp[:, None]
    blotches = rng.uniform(-0.25, 0.25, size=(6, 6)).astype(np.float32)
    blend += cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)
    start, stop = _pastel(rng), _pastel(rng)
    canvas = np.clip(start + (stop - start) * blend[..., None], 0, 255).astype(np.uint8)
    for _ in range(rng.integers(2, 9)):
        _scribble(canvas, rng)
    return canvas.astype(np.float32)


def _pastel(rng: Rng) -> NDArray[np.float32]:
    hue, saturation, value = rng.uniform((0, 0.05, 0.6), (1, 0.35, 0.98))
    return 255 * np.array(colorsys.hsv_to_rgb(hue, saturation, value), np.float32)


def _scribble(canvas: NDArray[np.uint8], rng: Rng) -> None:
    """Draws a curve: clutter that has edges but is no toy."""
    start, bend, stop = rng.uniform(-0.1, 1.1, size=(3, 2)) * len(canvas)
    t = np.linspace(0, 1, 24)[:, None]
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * stop
    points = (16 * curve).round().astype(np.int32)  # OpenCV's fixed point, 4 bits
    colour = 0.75 * np.array(cv2.mean(canvas)[:3]) + 0.25 * rng.uniform(0, 255, size=3)
    cv2.polylines(canvas, [points], False, colour.tolist(), int(rng.integers(1, 4)), cv2.LINE_AA, 4)
