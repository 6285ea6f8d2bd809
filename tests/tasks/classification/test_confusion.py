"""The chart of confusions shows what the table of them says."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.classification.confusion import OTHERS, Matrix, confusion_matrix, draw_confusion
from tasks.classification.metric import ClassificationMetric
from tasks.classification.records import top_records
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos


def scored(num_classes: int, network: LabelMap, *, seed: int = 0) -> ClassificationMetric:
    """Photos of all classes but the last one, most taken for what they are."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes - 1, 300)
    taken = np.where(rng.random(300) < 0.6, truth, rng.integers(0, len(network), 300))
    label_map = LabelMap(network.names[:num_classes], network.ids[:num_classes])
    names = np.array([f"{number}.jpg".encode() for number in range(300)])
    metric = ClassificationMetric(Photos(Path("."), names, truth, label_map), network=network)
    metric.update(top_records(torch.eye(len(network))[taken], torch.arange(300)))
    metric.compute()
    return metric


def classes(count: int) -> LabelMap:
    return LabelMap(tuple(f"class {number}" for number in range(count)), tuple(range(count)))


@pytest.mark.parametrize("known", [6, 9], ids=["the same classes", "a network of more"])
def test_the_matrix_has_the_counts_of_the_table(known: int) -> None:
    metric = scored(6, classes(known))
    matrix = metric.matrix()
    assert matrix.truth == tuple(f"class {number}" for number in range(5))  # those with photos
    assert matrix.taken[:5] == matrix.truth and set(matrix.taken) > set(matrix.truth)
    table = {(row.truth, row.taken): row.photos for row in metric.confusions()}
    right = {row.name: row.right for row in metric.by_class()}
    for row, truth in enumerate(matrix.truth):
        for column, taken in enumerate(matrix.taken):
            wanted = right[truth] if truth == taken else table.get((truth, taken), 0)
            assert matrix.photos[row, column] == wanted
    assert matrix.photos.sum() == 300


def test_of_many_classes_the_most_confused_are_shown_and_no_photo_is_lost() -> None:
    matrix = scored(120, classes(120)).matrix()
    few = matrix.most_confused(40)
    assert len(few.taken) == 41 and few.taken[-1] == OTHERS
    rows = [matrix.truth.index(name) for name in few.truth]
    assert (few.photos.sum(axis=1) == matrix.photos[rows].sum(axis=1)).all()
    errors = matrix.photos.copy()
    np.fill_diagonal(errors, 0)
    wrong = dict(zip(matrix.taken, errors.sum(axis=0), strict=True))
    for name, count in zip(matrix.truth, errors.sum(axis=1), strict=True):
        wrong[name] += count
    shown = [wrong[name] for name in few.taken[:-1]]
    assert min(shown) >= max(wrong[name] for name in set(wrong) - set(few.taken))
    assert matrix.most_confused(120) is matrix


def test_any_name_can_be_drawn(tmp_path: Path) -> None:
    names = ["$x^$", "_of the house", "a\nline", "猫", "very " * 30, r"\frac{"]
    draw_confusion(confusion_matrix(names, names[::-1], names), tmp_path / "names.png")
    with Image.open(tmp_path / "names.png") as picture:
        assert min(picture.size) > 300
    draw_confusion(Matrix((), (), np.zeros((0, 0), np.int64)), tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
