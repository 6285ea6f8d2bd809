"""What Label Studio's brush painted are outlines and boxes."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from backbone.errors import InputError
from tasks.detection.layouts.brush_masks import brush_mask
from tests.photo_files import write_photos
from tests.tasks.detection.scenes import dump
from tests.tasks.detection.test_layouts import folder

LENGTHS = (3, 4, 8, 16)  # bits of a length, of each kind


def numbers(mask: np.ndarray) -> Iterator[tuple[int, int]]:
    """Values of the packed form, and how many bits each has: runs, and at first single values."""
    values = np.repeat(mask.ravel(), 4).astype(int) * 255
    yield from [(len(values), 32), (7, 5), *((length - 1, 4) for length in LENGTHS)]
    yield from [(0, 1), (0, 2), (3, LENGTHS[0]), *((int(value), 8) for value in values[:4])]
    for value, run in groupby(values[4:].tolist()):
        left = len(list(run))
        while left:
            kind = next((k for k, bits in enumerate(LENGTHS) if left <= 1 << bits), 3)
            length = min(left, 1 << LENGTHS[kind])
            yield from [(1, 1), (kind, 2), (length - 1, LENGTHS[kind]), (value, 8)]
            left -= length


def packed(mask: np.ndarray) -> list[int]:
    text = "".join(f"{number:0{bits}b}" for number, bits in numbers(mask))
    text += "0" * (-len(text) % 8)
    return [int(text[place : place + 8], 2) for place in range(0, len(text), 8)]


def painted(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[3:9, 5:20] = True
    mask[5, 7] = False
    mask[12, 2] = True
    return mask


@pytest.mark.parametrize("mask", [painted(30, 40), np.ones((3, 5), bool), np.zeros((2, 2), bool)])
def test_a_mask_comes_back(mask: np.ndarray) -> None:
    height, width = mask.shape
    np.testing.assert_array_equal(brush_mask(packed(mask), size=(width, height)), mask)


@pytest.mark.parametrize(
    ("bytes_of", "size"),
    [
        (lambda whole: whole[:-2], (40, 30)),
        (lambda whole: whole, (30, 20)),
        (lambda whole: [], (40, 30)),
        (lambda whole: whole, (10**6, 10**6)),
        (lambda whole: [300, *whole], (40, 30)),
    ],
)
def test_what_is_no_mask_is_refused(bytes_of, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        brush_mask(bytes_of(packed(painted(30, 40))), size=size)


def project(root: Path, rle: list[int]) -> Path:
    write_photos(root / "images", ["a.png", "b.png"])
    results = [
        {"original_width": 40, "original_height": 30, "type": "brushlabels",
         "value": {"format": "rle", "rle": each, "brushlabels": ["cell"]}}
        for each in (rle, packed(np.zeros((30, 40), bool)))
    ]  # fmt: skip
    tasks = [
        {"id": number, "data": {"image": f"/data/upload/1/{name}"},
         "annotations": [{"result": results}]}
        for number, name in enumerate(("a.png", "b.png"))
    ]  # fmt: skip
    dump(root / "project.json", tasks)
    return root


@pytest.mark.parametrize("masks", [False, True])
def test_a_brush_gives_outlines_and_boxes(masks: bool, tmp_path: Path) -> None:
    mask = painted(30, 40)
    data = folder(project(tmp_path, packed(mask)), masks=masks, val_share=0.5)
    for read in (data.train_annotations, data.val_annotations):
        assert read.label_map.names == ("cell",)
        np.testing.assert_array_equal(read.boxes, [[2, 3, 20, 13]])
        assert "2 objects left out, of a brush that painted nothing" in read.notes
        if masks:
            assert read.outlines is not None
            assert read.areas.tolist() == [mask.sum()]


def test_a_broken_brush_mask_is_refused_by_its_task(tmp_path: Path) -> None:
    data = folder(project(tmp_path, [1, 2, 3]), val_share=0.5)
    with pytest.raises(InputError, match=r"task 0 has a brush mask that cannot be read: the runs"):
        data.train_annotations  # noqa: B018
