"""How pictures are put together."""

from pathlib import Path

import numpy as np

from tasks.common.pictures import save_picture


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
