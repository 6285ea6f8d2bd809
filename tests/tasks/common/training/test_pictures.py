"""How pictures are put together."""

import numpy as np
import pytest

from tasks.common.data.labels import LabelMap
from tasks.common.images.canvas import SHORT_SIDE_PX
from tasks.common.images.decoding import DecodedImage
from tasks.common.images.sheets import GAP_PX, side_by_side
from tasks.common.training.comparison import RIGHT, WRONG, comparison
from tests.tasks.classification.test_task import make


def test_pictures_side_by_side_have_white_between_them() -> None:
    left, right = np.zeros((5, 3, 3), np.uint8), np.ones((5, 4, 3), np.uint8)
    pair = side_by_side(left, right)
    assert pair.shape == (5, 7 + GAP_PX, 3)
    assert (pair[:, :3] == 0).all() and (pair[:, 3:-4] == 255).all() and (pair[:, -4:] == 1).all()


NAMES = ("cat", "dog", "a breed whose name is far too long for a small picture")


def compared(pixels: np.ndarray, truth: str, taken: str) -> np.ndarray:
    """A classifier's comparison."""
    task = make(label_map=LabelMap(NAMES, (1, 2, 3)))
    entry = {"classes": [{"id": 0, "name": taken, "score": 0.2}]}
    known = {"classes": [{"id": 0, "name": truth}]}
    image = DecodedImage(pixels, (pixels.shape[1], pixels.shape[0]))
    return comparison(task, image, truth=known, entry=entry, min_score=0.5)


@pytest.mark.parametrize("truth", NAMES)
@pytest.mark.parametrize("taken", NAMES)
@pytest.mark.parametrize("side", [8, 40, 700])
def test_a_glance_tells_what_is_right(truth: str, taken: str, side: int) -> None:
    """Whatever score is drawn, the header tells what was the likeliest."""
    picture = compared(np.full((side, side, 3), 128, np.uint8), truth, taken)
    assert picture.shape[1] >= 2 * SHORT_SIDE_PX + GAP_PX and picture.shape[0] > SHORT_SIDE_PX
    half = picture.shape[1] // 2 + GAP_PX
    assert tuple(picture[1, -1]) == (RIGHT if truth == taken else WRONG)
    assert tuple(picture[1, 1]) not in (RIGHT, WRONG)
    header = picture[: picture.shape[0] - (picture.shape[1] - GAP_PX) // 2, half:]
    written = (header != header[0, -1]).any(axis=2)
    assert written.any() and not written[:, -2:].any()  # it ends within the header
