"""COCO's segmentations: read, mended and refused, and only where masks are wanted."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from backbone.errors import InputError
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.layouts.coco import read_coco
from tasks.detection.layouts.segmentations import decode_counts

WIDTH, HEIGHT = 60, 40
POLYGON = [10, 5, 40.3, 5, 40.3, 25.7, 10, 25.7]
RUNS = {"size": [HEIGHT, WIDTH], "counts": [405, 20, 20, 20, WIDTH * HEIGHT - 465]}
MISSING = object()


def compressed(counts: list[int], size: list[int] | None = None) -> dict[str, Any]:
    height, width = size or [HEIGHT, WIDTH]
    rle = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    return rle | {"counts": rle["counts"].decode()}


def content(segmentation: Any, **values: Any) -> dict[str, Any]:
    """A file whose second annotation, with id 5, has this segmentation; the first one's is good."""
    annotation = {"image_id": 7, "category_id": 1, "bbox": [10, 5, 30, 20], "iscrowd": 0}
    second = annotation | {"id": 5, "segmentation": segmentation, "area": 600} | values
    if segmentation is MISSING:
        del second["segmentation"]
    first = annotation | {"id": 4, "segmentation": [POLYGON], "area": 600}
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "annotations": [first, {k: v for k, v in second.items() if v is not None}],
        "categories": [{"id": 1, "name": "thing"}],
    }


def read(folder: Path, data: dict[str, Any], **options: Any) -> Annotations:
    (folder / "masks.json").write_text(json.dumps(data))
    return read_coco(folder / "masks.json", folder, **{"masks": True} | options)


GOOD = {
    "one part": [POLYGON],
    "two parts": [POLYGON, [1, 1, 5, 1, 3.5, 4]],
    "over the edge by a pixel": [[-1, 0, 60.9, 0, 30, 41]],
    "uncompressed": RUNS,
    "compressed": compressed(RUNS["counts"]),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("crowd", [0, 1])
def test_masks_are_those_of_pycocotools(tmp_path: Path, name: str, crowd: int) -> None:
    data = read(tmp_path, content(GOOD[name], iscrowd=crowd))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "masks.json"))
    for row, number in enumerate((4, 5)):
        expected = coco_mask.decode(coco.annToRLE(coco.anns[number]))
        assert expected.any()
        found = data.segmentation(row)["segmentation"]
        assert found["size"] == [HEIGHT, WIDTH]
        assert np.array_equal(coco_mask.decode(found), expected)
    assert data.notes == ()


BAD = {
    "text": ("polygon", "neither a list of polygons nor an RLE"),
    "a number": (3, "neither a list"),
    "numbers outside a polygon": (POLYGON, "neither a list"),
    "numbers as text": ([["10", "5", "40", "5", "40", "25"]], "neither a list"),
    "true": ([[True, 5, 40, 5, 40, 25]], "neither a list"),
    "points as pairs": ([[[10, 5], [40, 5], [40, 25]]], "neither a list"),
    "missing": (MISSING, "needed for masks"),
    "none": (None, "needed for masks"),
    "no polygons": ([], "needed for masks"),
    "an odd count": ([POLYGON[:7]], "of an odd count of numbers"),
    "two points": ([POLYGON[:4]], "of under three points"),
    "an empty part": ([POLYGON, []], "of under three points"),
    "nan": ([[float("nan"), *POLYGON[1:]]], "not finite"),
    "infinite": ([[float("inf"), *POLYGON[1:]]], "not finite"),
    "huge": ([[10**400, *POLYGON[1:]]], "not finite"),
    "elsewhere": ([[100, 5, 140, 5, 140, 25]], "outside the image"),
    "another size": (compressed([10, 10, 80], [10, 10]), "for an image of another size"),
    "too short": (RUNS | {"counts": [400, 20]}, "of runs that do not fill their image"),
    "too long": (RUNS | {"counts": [400, 20, 10**30]}, "of runs that do not fill their image"),
    "negative": (RUNS | {"counts": [2420, -20]}, "of runs that do not fill their image"),
    "nothing inside": (RUNS | {"counts": [2400]}, "without area"),
    "counts as text": (RUNS | {"counts": ["400", 2000]}, "neither a list"),
    "no counts": ({"size": [HEIGHT, WIDTH]}, "neither a list"),
    "no size": ({"counts": [1, 2]}, "neither a list"),
    "foreign letters": (RUNS | {"counts": "äöü"}, "neither a list"),
    "cut short": (RUNS | {"counts": "oo"}, "neither a list"),
    "endless": (RUNS | {"counts": "o" * 50 + "0"}, "neither a list"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_ones_are_refused_by_id(tmp_path: Path, name: str) -> None:
    segmentation, defect = BAD[name]
    with pytest.raises(InputError) as caught:
        read(tmp_path, content(segmentation))
    message = str(caught.value)
    assert "masks.json: annotation 5 of image 7 (a.jpg, 60x40) has the segmentation" in message
    assert f"which is {defect}" in message
    assert "data.on_bad_box=drop" in message


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("policy", ["drop", "clip"])
def test_bad_ones_are_dropped_and_counted(tmp_path: Path, name: str, policy: str) -> None:
    segmentation, defect = BAD[name]
    data = read(tmp_path, content(segmentation), on_bad_box=policy)
    assert data.annotation_ids.tolist() == [4]
    assert data.outlines is not None and len(data.outlines) == 1
    (note,) = data.notes
    assert note.startswith(f"1 segmentation dropped, {defect}")
    assert note.endswith(": annotation 5 of image 7")


def test_clip_keeps_what_is_partly_inside(tmp_path: Path) -> None:
    partly = content([[50, 5, 90, 5, 90, 25, 50, 25]])
    with pytest.raises(InputError, match="outside the image"):
        read(tmp_path, partly)
    data = read(tmp_path, partly, on_bad_box="clip")
    assert coco_mask.area(data.segmentation(1)["segmentation"]) == 10 * 20
    assert data.notes[0].startswith("1 segmentation clipped, outside the image, in ")


def test_a_dropped_box_takes_its_outline_along(tmp_path: Path) -> None:
    data = content(RUNS)
    data["annotations"][0]["bbox"] = [10, 5, 0, 20]
    kept = read(tmp_path, data, on_bad_box="drop")
    assert kept.annotation_ids.tolist() == [5]
    assert np.array_equal(
        coco_mask.decode(kept.segmentation(0)["segmentation"]),
        coco_mask.decode(compressed(RUNS["counts"])),
    )


def test_missing_areas_are_those_of_the_masks(tmp_path: Path) -> None:
    data = read(tmp_path, content(RUNS, area=None))
    assert data.areas.tolist() == [600, 40]
    assert data.notes[0].startswith("1 area missing in ")


@pytest.mark.parametrize("name", BAD)
def test_boxes_alone_do_not_look_at_them(tmp_path: Path, name: str) -> None:
    data = read(tmp_path, content(BAD[name][0]), masks=False)
    assert data.outlines is None and data.segmentation(1) == {}
    assert data.notes == ()


@pytest.mark.parametrize("seed", range(20))
def test_compressed_counts_are_those_of_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, rng.choice([3, 60, 10_000, 10**7]), size=rng.integers(1, 50)).tolist()
    text = compressed(counts, [1, sum(counts) or 1])["counts"]
    assert decode_counts(text).tolist() == counts
