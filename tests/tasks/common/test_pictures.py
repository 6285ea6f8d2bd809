"""How pictures are put together."""

from pathlib import Path

import numpy as np
import pytest
from pycocotools.mask import decode, encode

from tasks.common.comparison import MIN_SIDE, RIGHT, WRONG, comparison
from tasks.common.labels import LabelMap
from tasks.common.pictures import GAP_PX, contact_sheet, save_picture, side_by_side
from tasks.detection.task import DetectionTask
from tests.tasks.classification.test_task import make


def save(path: Path, width: int, height: int) -> Path:
    save_picture(path, np.zeros((height, width, 3), np.uint8))
    return path


def test_pictures_side_by_side_have_white_between_them() -> None:
    left, right = np.zeros((5, 3, 3), np.uint8), np.ones((5, 4, 3), np.uint8)
    pair = side_by_side(left, right)
    assert pair.shape == (5, 7 + GAP_PX, 3)
    assert (pair[:, :3] == 0).all() and (pair[:, 3:-4] == 255).all() and (pair[:, -4:] == 1).all()


def test_a_sheet_has_all_pictures_in_rows(tmp_path: Path) -> None:
    """At a height of 30: 40, 40 and 30 wide; one too wide, scaled to 100x10; and a thin one."""
    sizes = [(80, 60), (40, 30), (60, 60), (400, 40), (1, 300)]
    paths = [save(tmp_path / f"{number}.jpg", *size) for number, size in enumerate(sizes)]
    sheet = contact_sheet(paths, width=100, height=30)
    assert sheet.shape == (4 * (30 + GAP_PX), 100, 3)
    rows = [(sheet[top : top + 30] < 128).all(axis=2) for top in range(0, len(sheet), 30 + GAP_PX)]
    assert [int(row.sum()) for row in rows] == [2 * 40 * 30, 30 * 30, 100 * 10, 30]


NAMES = ("cat", "dog", "a breed whose name is far too long for a small picture")


def compared(pixels: np.ndarray, truth: str, taken: str) -> np.ndarray:
    """A classifier's comparison."""
    task = make(label_map=LabelMap(NAMES, (1, 2, 3)))
    entry = {"classes": [{"id": 0, "name": taken, "score": 0.2}]}
    known = {"classes": [{"id": 0, "name": truth}]}
    return comparison(task, pixels, truth=known, entry=entry, min_score=0.5)


@pytest.mark.parametrize("truth", NAMES)
@pytest.mark.parametrize("taken", NAMES)
@pytest.mark.parametrize("side", [8, 40, 700])
def test_a_glance_tells_what_is_right(truth: str, taken: str, side: int) -> None:
    """Whatever score is drawn, the header tells what was the likeliest."""
    picture = compared(np.full((side, side, 3), 128, np.uint8), truth, taken)
    assert picture.shape[1] >= 2 * MIN_SIDE + GAP_PX and picture.shape[0] > MIN_SIDE
    half = picture.shape[1] // 2 + GAP_PX
    assert tuple(picture[1, -1]) == (RIGHT if truth == taken else WRONG)
    assert tuple(picture[1, 1]) not in (RIGHT, WRONG)
    header = picture[: picture.shape[0] - (picture.shape[1] - GAP_PX) // 2, half:]
    written = (header != header[0, -1]).any(axis=2)
    assert written.any() and not written[:, -2:].any()  # it ends within the header


def test_what_says_where_things_are_grows_with_its_photo() -> None:
    """A detector's box around a white square in an 8-pixel photo is around it when enlarged."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[2:6, 3:7] = 255
    row = {"category_id": 1, "name": "square", "bbox": [3, 2, 4, 4]}
    mask = encode(np.asfortranarray(pixels[..., 0] > 0))
    row["segmentation"] = {"size": mask["size"], "counts": mask["counts"].decode()}
    grown = DetectionTask.enlarged(None, {"detections": [row]}, 5)["detections"][0]
    assert grown["bbox"] == [15, 10, 20, 20]
    expected = (pixels[..., 0] > 0).repeat(5, axis=0).repeat(5, axis=1)
    assert (decode(grown["segmentation"]) == expected).all()
