"""Classes with few photos: shown more often, weighed, and seen in the figures."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

from backbone.errors import InputError
from heads.classification import ClassificationHead
from tasks.classification.balancing import BalancedSampler, class_weights
from tasks.classification.layouts.imagenet import ImageNetData
from tasks.classification.metric import ClassificationMetric
from tasks.classification.records import top_records
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tests.tasks.classification.folders import write_classes
from tests.tasks.classification.test_layouts import LOADING

CLASSES = torch.tensor([0] * 60 + [2] * 3)
START = {"seed": 0, "batch_size": 4, "skipped_batches": 0}


def test_classes_are_shown_equally_often_and_large_ones_take_turns():
    shown = [BalancedSampler(CLASSES, epoch=epoch, **START).order() for epoch in range(4)]
    for order in shown:
        assert sorted(CLASSES[order].bincount().tolist()) == [0, 31, 32]
        large = order[CLASSES[order] == 0]
        assert len(large.unique()) == len(large)
    assert len(torch.cat(shown).unique()) > 55
    assert torch.equal(shown[0], BalancedSampler(CLASSES, epoch=0, **START).order())


def test_each_class_weighs_the_same_in_all():
    weights = class_weights(CLASSES, 4)
    assert weights[[0, 2]].mul(torch.tensor([60, 3])).tolist() == pytest.approx([31.5, 31.5])
    assert weights[[1, 3]].tolist() == [1, 1]
    head = ClassificationHead(in_channels={"c5": 2}, num_classes=4, class_weights="balanced")
    head.weights = weights
    assert "weights" not in head.state_dict()
    features = {"c5": torch.randn(2, 2, 1, 1)}
    target = torch.tensor([0, 2])
    each = -head.outputs(features).log_softmax(-1)[[0, 1], target]
    wanted = (each * weights[target]).sum() / weights[target].sum()
    torch.testing.assert_close(head.loss(features, {"target": target})["classification"], wanted)
    with pytest.raises(InputError, match=r"head\.class_weights=auto.*balanced"):
        ClassificationHead(in_channels={"c5": 2}, num_classes=4, class_weights="auto")


@pytest.mark.parametrize("balanced", [False, True])
def test_data_balance_what_is_shown(balanced: bool, tmp_path: Path):
    root = write_classes(tmp_path, {"train/ok": 9, "train/torn": 1, "val/ok": 1, "val/torn": 1})
    data = ImageNetData(root=str(root), on_bad_image="error", balanced=balanced, **LOADING)
    order = data.train_sampler(epoch=0, **START).order()
    assert np.bincount(data.photos("train").targets[order]).tolist() == (
        [5, 5] if balanced else [9, 1]
    )


def test_figures_agree_with_a_second_implementation():
    rng = np.random.default_rng(0)
    truth, taken = rng.integers(0, 4, 200), rng.integers(0, 5, 200)
    labels = LabelMap(tuple("abcde"), tuple(range(5)))
    files = np.array([b"x"] * 200)
    metric = ClassificationMetric(Photos(Path("p"), files, truth, labels), network=labels)
    metric.update(top_records(torch.eye(5)[taken], torch.arange(200)))
    found = metric.compute()
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, taken, labels=range(4), average="macro", zero_division=0
    )
    wanted = {"macro_precision": precision, "macro_recall": recall, "macro_f1": f1}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, taken))


def test_copies_are_told_by_content(tmp_path: Path):
    root = write_classes(tmp_path, {"train/cat": 3, "train/dog": 3, "val/cat": 2, "val/dog": 2})
    for number, file in enumerate(sorted((root / "val").rglob("*.png"))):
        file.write_bytes(file.read_bytes() + bytes([number]))  # as long as others, and different
    shutil.copy(root / "train" / "dog" / "2.png", root / "val" / "dog" / "again.png")
    data = ImageNetData(root=str(root), on_bad_image="error", **LOADING)
    data.photos("val")
    assert data.cautions() == []
    data.photos("train")
    (line,) = data.cautions()
    assert line.startswith("1 of 5 validation photos are copies of training photos")
    assert line.endswith(": dog/again.png is cat/2.png")  # which is the same noise as dog/2.png
