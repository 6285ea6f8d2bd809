"""Masks from the head to the data set's own terms, and through the commands."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from backbone.mobilenet import MobileNet
from heads.detection.detections import Detections
from heads.detection.proposals import ProposalNetwork
from heads.mask_rcnn import MaskRCNNHead
from tasks.common.data.labels import LabelMap
from tasks.detection.instances import InstanceTask
from tasks.detection.task import class_table
from tests.commands import run_inside
from tests.small_runs import FEW_CROPS, SMALL_RUN


def small_task() -> InstanceTask:
    """For images of 64 pixels."""
    unused: Any = None
    return InstanceTask(
        backbone=MobileNet(width=0.25),
        head=partial(
            MaskRCNNHead, proposals=partial(ProposalNetwork, anchor_sides=[[16.0]]), crop_size=4
        ),
        label_map=LabelMap(("disc", "square"), (3, 5)),
        image_size=64,
        optimizer=unused,
        schedule=unused,
    )


def test_records_have_the_masks_of_known_classes_in_pixels_of_the_photo() -> None:
    task = small_task()
    task.category_ids = torch.tensor([3, -1])  # the data set has no squares
    left = torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(4, 4)
    found = Detections(
        image=torch.tensor([0, 0, 1]),
        boxes=torch.tensor([[0.0, 0, 32, 32], [0, 0, 64, 64], [32, 0, 64, 64]]),
        scores=torch.tensor([0.9, 0.8, 0.7]),
        labels=torch.tensor([0, 1, 0]),
        masks=torch.stack([torch.ones(4, 4), torch.ones(4, 4), left]),
    )
    batch = {
        "image": torch.zeros(2, 3, 64, 64),
        "id": torch.tensor([7, 9]),
        "frame": torch.tensor([[[2.0, 0, 0], [0, 1, 0]], [[0.5, 0, 0], [0, 1.5, 0]]]),
        "size": torch.tensor([[128, 64], [32, 96]]),
    }
    records = task.records(found, batch)
    first, second = records.rows()
    assert [first["image_id"], second["image_id"]] == [7, 9]
    assert first["segmentation"]["size"] == [64, 128]
    whole = coco_mask.decode(first["segmentation"])
    assert whole[:32, :64].all() and whole.sum() == 32 * 64
    half = coco_mask.decode(second["segmentation"])
    assert half.shape == (96, 32)
    assert half[:, 16:24].all() and half.sum() == 96 * 8

    first_photo, second_photo = task.entries(records)
    assert first_photo["detections"][0]["name"] == "disc"
    assert second_photo["detections"][0]["segmentation"] == second["segmentation"]


def test_the_table_has_masks_beside_boxes_where_there_are_any() -> None:
    boxes = {"map": 0.5, "map_50": 0.75, "map/disc": 0.5, "map_50/disc": 0.75}
    masks = {f"segm_{name}": value / 2 for name, value in boxes.items()}
    assert class_table(boxes, ["disc"]) == [
        "class                          AP   AP50",
        "  disc                      0.500  0.750",
        "  all                       0.500  0.750",
    ]
    assert class_table(boxes | masks, ["disc"]) == [
        "class                          AP   AP50  masks AP   AP50",
        "  disc                      0.500  0.750     0.250  0.375",
        "  all                       0.500  0.750     0.250  0.375",
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of two steps."""
    folder = tmp_path_factory.mktemp("run")
    given = ("task=mask_rcnn_coco", *SMALL_RUN, *FEW_CROPS, f"run_dir={folder}")
    done = run_inside("train", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "val/map" in done.stdout and "val/segm_map" in done.stdout
    return folder


def test_a_run_scores_masks_beside_boxes_and_keeps_them(trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    assert {"val/map", "val/segm_map", "val/segm_map_50", "val/segm_map/ball"} <= metrics.keys()
    truth = json.loads((trained / "data" / "annotations" / "instances_val2017.json").read_text())
    results = json.loads((trained / "predictions.json").read_text())
    assert {row["image_id"] for row in results} <= {row["id"] for row in truth["images"]}
    assert all(row["segmentation"]["size"] == [320, 320] for row in results)


def test_predictions_have_masks(trained: Path, tmp_path: Path) -> None:
    photos = trained / "data" / "val2017"
    checkpoint = trained / "checkpoints" / "last.ckpt"
    given = (f"checkpoint={checkpoint}", f"input={photos}", f"output={tmp_path}")
    done = run_inside("predict", *given, "head.score_threshold=0.0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    entries = json.loads((tmp_path / "predictions.json").read_text())
    assert len(entries) == 3
    for entry in entries:
        for found in entry["detections"]:
            mask = coco_mask.decode(found["segmentation"])
            assert mask.shape == (entry["height"], entry["width"])
            x, y, width, height = found["bbox"]
            rows, columns = np.nonzero(mask)
            assert not len(rows) or (y - 1 <= rows.min() and rows.max() <= y + height)
            assert not len(rows) or (x - 1 <= columns.min() and columns.max() <= x + width)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (("task=mask_rcnn_coco", "head=ssd"), "takes mask_rcnn"),
        (("task=faster_rcnn_coco", "head=mask_rcnn"), "task=mask_rcnn_coco"),
        (("task=mask_rcnn_coco", "head.mask_channels=0"), "head.mask_channels=0"),
    ],
    ids=["a head without masks", "a task without masks", "no channels"],
)
def test_wrong_choices_are_refused(choice: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run_inside("train", *choice, *SMALL_RUN, "run_dir=run", cwd=tmp_path)
    assert done.returncode == 2, done
    assert said in done.stderr
    assert "Traceback" not in done.stderr
