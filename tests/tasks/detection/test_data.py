"""Batches of boxes, and of masks where a task asks for them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from tasks.detection.augmentation import recipes
from tasks.detection.data import DemoScenes

IMAGE_SIZE = 96
LOADING: dict[str, Any] = {
    "augmentation": recipes.plain,
    "on_bad_box": "error",
    "on_bad_image": "error",
    "batch_size": 6,
    "num_workers": 0,
    "image_size": IMAGE_SIZE,
    "seed": 0,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data") / "scenes"


def scenes(root: Path, **settings: Any) -> DemoScenes:
    return DemoScenes(root=str(root), num_train=6, num_val=2, **LOADING | settings)


def test_masks_are_padded_like_their_boxes(root: Path) -> None:
    data = scenes(root, masks=True)
    batch = data.collate([data.train_set[0, index] for index in range(6)])
    boxes, labels, masks = batch["boxes"], batch["labels"], batch["masks"]
    assert masks.shape == (*labels.shape, IMAGE_SIZE // 2, IMAGE_SIZE // 2)
    assert masks.dtype == torch.uint8
    objects = labels >= 0
    assert torch.equal(masks.any(-1).any(-1), objects)
    # the plain recipe shows all of each box
    for (x0, y0, x1, y1), mask in zip(boxes[objects].tolist(), masks[objects], strict=True):
        rows, columns = mask.nonzero().unbind(-1)
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(2 * np.array(extent), [x0, y0, x1, y1], atol=3)


def test_images_without_objects_have_no_masks(root: Path) -> None:
    data = scenes(root, masks=True)
    sample = data.train_set[0, 0]
    none = {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64)}
    empty = sample | none | {"masks": sample["masks"][:0]}
    half = IMAGE_SIZE // 2
    assert data.collate([empty, empty])["masks"].shape == (2, 0, half, half)
    number = len(sample["labels"])
    batch = data.collate([empty, sample])
    assert batch["masks"].shape == (2, number, half, half)
    assert not batch["masks"][0].any() and batch["masks"][1].any()


def test_only_training_on_masks_draws_them(root: Path) -> None:
    boxes, masks = scenes(root), scenes(root, masks=True)
    for plain, masked, has_masks in (
        (boxes.train_set, masks.train_set, True),
        (boxes.val_set, masks.val_set, False),
    ):
        expected, found = plain[0, 1], masked[0, 1]
        assert found.keys() - expected.keys() == ({"masks"} if has_masks else set())
        assert all(np.array_equal(found[key], expected[key]) for key in expected)
    assert "masks" not in boxes.collate([boxes.train_set[0, 0]])
    assert boxes.val_annotations.outlines is None


def test_a_validation_photo_comes_with_its_masks(root: Path) -> None:
    _, boxes = scenes(root).val_photo(0)
    _, masks = scenes(root, masks=True).val_photo(0)
    assert boxes["detections"]
    for plain, found in zip(boxes["detections"], masks["detections"], strict=True):
        x, y, width, height = map(int, plain["bbox"])
        mask = coco_mask.decode(found.pop("segmentation"))
        assert found == plain
        assert mask[y : y + height, x : x + width].sum() == mask.sum() > 0
