"""Sheets are filled, and show some of all there is."""

from itertools import pairwise

import numpy as np
import pytest

from tasks.common.images.sheets import contact_sheet, spread


def plain(width: int, height: int, number: int) -> np.ndarray:
    """A picture of a grey of its own, which is no white."""
    return np.full((height, width, 3), 10 + 10 * number, np.uint8)


def corners(sheet: np.ndarray, number: int) -> tuple[int, int, int, int]:
    """Where a picture is on the sheet: left, top, right, bottom."""
    rows, columns = (sheet[..., 0] == 10 + 10 * number).nonzero()
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("number", [1, 2, 3, 5, 7, 11, 12, 15])
def test_pictures_of_all_shapes_fill_a_sheet(number: int) -> None:
    for seed in range(6):
        rng = np.random.default_rng((seed, number))
        widths, heights = rng.integers(200, 900, (2, number))
        if seed < 3:  # all of one shape
            widths[:], heights[:] = [(300, 300), (640, 480), (900, 300)][seed]
        pictures = [plain(*size, n) for n, size in enumerate(zip(widths, heights, strict=True))]
        sheet = contact_sheet(pictures)
        assert (sheet[..., 0] == 255).mean() < 0.1
        assert sheet.shape[1] <= 1480 and max(sheet.shape) < 5000
        places = [corners(sheet, n) for n in range(number)]
        for (left, top, right, bottom), width, height in zip(places, widths, heights, strict=True):
            assert (right - left) / (bottom - top) == pytest.approx(width / height, rel=0.03)
        reading_order = [(top, left) for left, top, _, _ in places]
        assert all(one < other for one, other in pairwise(reading_order))
        assert max(right for _, _, right, _ in places) == sheet.shape[1]


def test_thin_and_flat_pictures_are_whole_too() -> None:
    sizes = [(1, 300), (400, 300), (3000, 20), (300, 300)]
    sheet = contact_sheet([plain(*size, number) for number, size in enumerate(sizes)])
    for number, (width, height) in enumerate(sizes):
        left, top, right, bottom = corners(sheet, number)
        wide, high = right - left, bottom - top
        assert wide == max(round(high * width / height), 1) or high == pytest.approx(
            wide * height / width, abs=1
        )


def test_a_title_stands_above_all() -> None:
    pictures = [plain(300, 300, 1)] * 3
    bare, titled = (contact_sheet(pictures, title=title) for title in ("", "What it shows. " * 30))
    band = len(titled) - len(bare)
    assert (titled[band:] == bare).all()
    assert 60 < band < 200 and (titled[:band] < 100).any() and titled[:band, -20:].min() == 255


def test_all_classes_are_shown_however_many_photos_they_have() -> None:
    folders = ["cat"] * 90 + ["dog"] + ["fox"] * 2
    chosen = spread(folders, 12)
    assert [folders[place] for place in chosen] == ["cat"] * 9 + ["dog"] + ["fox"] * 2
    assert chosen[0] < 10 and chosen[8] > 80
    assert spread(["cat"] * 3, 12) == [0, 1, 2]
    many = spread([str(number) for number in range(100)], 12)
    assert len(many) == 12 and many[0] < 9 and many[-1] > 90
    assert spread([], 12) == []
