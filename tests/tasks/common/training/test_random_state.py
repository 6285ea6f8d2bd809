import io
import random

import numpy as np
import torch

from tasks.common.training.random_state import RandomState


def draw():
    return (
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),  # noqa: NPY002
        np.random.randn(),  # noqa: NPY002
        torch.rand(1).item(),
    )


def test_all_generators_go_on_where_they_were():
    draw()  # so that the normal generators hold a spare number
    file = io.BytesIO()
    torch.save(RandomState().state_dict(), file)
    expected = [draw(), draw()]
    file.seek(0)
    callback = RandomState()
    callback.load_state_dict(torch.load(file, weights_only=True))
    draw()  # setting up a run draws numbers too
    for _ in range(2):  # restored at the first batch only
        callback.on_train_batch_start(None, None, None, 0)
        assert draw() == expected.pop(0)
