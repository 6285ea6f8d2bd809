"""How pictures are put together."""

import numpy as np

from tasks.common.sheet import GAP_PX, side_by_side


def test_pictures_side_by_side_have_white_between_them() -> None:
    left, right = np.zeros((5, 3, 3), np.uint8), np.ones((5, 4, 3), np.uint8)
    pair = side_by_side(left, right)
    assert pair.shape == (5, 7 + GAP_PX, 3)
    assert (pair[:, :3] == 0).all() and (pair[:, 3:-4] == 255).all() and (pair[:, -4:] == 1).all()
