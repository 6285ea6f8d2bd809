"""The demo scenes: a true COCO data set, the same every time, whole or not there."""

import json
import multiprocessing
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from backbone.errors import InputError
from tasks.detection.annotations.outlines import polygons_to_mask
from tasks.detection.demo import scenes
from tasks.detection.demo.scenes import draw_scene, write_scenes
from tasks.detection.demo.toys import TOYS

SIZES = {"num_train": 6, "num_val": 3, "seed": 5, "size": 96}


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    write_scenes(tmp_path / "a", **SIZES)
    write_scenes(tmp_path / "b", **SIZES)
    write_scenes(tmp_path / "other", **SIZES | {"seed": 6})
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "other")


def test_validation_images_do_not_depend_on_the_training_set(tmp_path: Path) -> None:
    write_scenes(tmp_path / "a", **SIZES)
    write_scenes(tmp_path / "b", **SIZES | {"num_train": 2})
    assert contents(tmp_path / "a" / "val2017") == contents(tmp_path / "b" / "val2017")


@pytest.mark.parametrize(("split", "num_images"), [("train2017", 6), ("val2017", 3)])
def test_it_is_a_coco_data_set(tmp_path: Path, split: str, num_images: int) -> None:
    write_scenes(tmp_path / "scenes", **SIZES)
    coco = COCO(tmp_path / "scenes" / "annotations" / f"instances_{split}.json")
    assert sorted(coco.getCatIds()) == [3, 7, 12, 20]
    assert len(coco.imgs) == len(list((tmp_path / "scenes" / split).glob("*.jpg"))) == num_images
    for image in coco.imgs.values():
        picture = cv2.imread(str(tmp_path / "scenes" / split / image["file_name"]))
        assert picture.shape == (image["height"], image["width"], 3) == (96, 96, 3)
    for annotation in coco.anns.values():
        assert annotation["id"] > 0 and annotation["image_id"] in coco.imgs
        assert set(annotation) >= {"category_id", "bbox", "area", "iscrowd", "segmentation"}
        mask = coco.annToMask(annotation)
        assert mask.sum() == annotation["area"]
        assert list(cv2.boundingRect(mask)) == annotation["bbox"]


def test_annotation_ids_are_unique_across_splits(tmp_path: Path) -> None:
    write_scenes(tmp_path / "scenes", **SIZES)
    files = (tmp_path / "scenes" / "annotations").glob("*.json")
    ids = [a["id"] for file in files for a in json.loads(file.read_text())["annotations"]]
    assert len(set(ids)) == len(ids) > 0


def test_boxes_are_tight() -> None:
    """Without its toys the same scene differs exactly where they are, but for the faint shadow."""
    for name, toy in TOYS.items():
        for seed in range(5):
            canvas = np.full((160, 160, 3), 128, np.float32)
            rng = np.random.default_rng(seed)
            seen = scenes._draw_toy(canvas, toy, np.array([80.0, 75.0]), 45, rng)
            colourful = np.ptp(canvas, axis=-1) > 25  # shadows are gray on gray
            fields = scenes._coco_fields(seen, toy.category_id)
            x, y, width, height = cv2.boundingRect(colourful.astype(np.uint8))
            assert np.abs(np.array(fields["bbox"]) - [x, y, width, height]).max() <= 2, name


def test_outlines_are_exact_and_leave_holes_open() -> None:
    for seed in range(20):
        canvas = np.full((96, 96, 3), 128, np.float32)
        centre = np.array([48.0, 48.0])
        ring = TOYS["ring"]
        seen = scenes._draw_toy(canvas, ring, centre, 30, np.random.default_rng(seed))
        outline = scenes._coco_fields(seen, ring.category_id)["segmentation"]
        drawn = polygons_to_mask([np.array(polygon, float) for polygon in outline], side=96)
        assert np.array_equal(drawn.astype(bool), seen)
        assert not drawn[48, 48]


def test_toys_stay_visible_and_inside() -> None:
    numbers = set()
    for seed in range(60):
        picture, objects = draw_scene(np.random.default_rng(seed), 128)
        numbers.add(len(objects))
        assert picture.shape == (128, 128, 3) and picture.dtype == np.uint8
        for fields in objects:
            x, y, width, height = fields["bbox"]
            assert x >= 0 and y >= 0 and x + width <= 128 and y + height <= 128
            assert min(width, height) >= 0.07 * 128
            assert 0 < fields["area"] <= width * height
    assert numbers >= {1, 2, 3, 4}


def test_some_images_have_no_object() -> None:
    empty = [not scenes._places(np.random.default_rng(seed), 320) for seed in range(2000)]
    assert 0.015 < np.mean(empty) < 0.035


def test_a_complete_folder_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "scenes"
    root.mkdir()  # an empty folder is free to use
    write_scenes(root, **SIZES)
    monkeypatch.setattr(scenes, "_write_split", None)
    write_scenes(root, **SIZES)
    assert list(tmp_path.iterdir()) == [root]


@pytest.mark.parametrize("other", [SIZES | {"seed": 6}, SIZES | {"num_val": 4}])
def test_other_scenes_are_never_overwritten(tmp_path: Path, other: dict[str, int]) -> None:
    write_scenes(tmp_path / "scenes", **SIZES)
    before = contents(tmp_path / "scenes")
    with pytest.raises(InputError, match="another folder"):
        write_scenes(tmp_path / "scenes", **other)
    assert contents(tmp_path / "scenes") == before


def test_a_users_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "photos.txt").write_text("mine")
    with pytest.raises(InputError, match=str(tmp_path)):
        write_scenes(tmp_path, **SIZES)
    assert contents(tmp_path) == {"photos.txt": b"mine"}


@pytest.mark.parametrize("wrong", [{"num_train": 0}, {"num_val": -1}, {"size": 8}])
def test_impossible_sizes_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="at least"):
        write_scenes(tmp_path / "scenes", **SIZES | wrong)


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(scenes, "_write_jpeg", fail)
    with pytest.raises(OSError, match="disk full"):
        write_scenes(tmp_path / "scenes", **SIZES)
    assert list(tmp_path.iterdir()) == []


def test_processes_may_race(tmp_path: Path) -> None:
    write_scenes(tmp_path / "alone", **SIZES)
    context = multiprocessing.get_context("fork")
    racers = [
        context.Process(target=write_scenes, args=(tmp_path / "raced",), kwargs=SIZES)
        for _ in range(4)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=60)
    assert [racer.exitcode for racer in racers] == [0, 0, 0, 0]
    assert contents(tmp_path / "raced") == contents(tmp_path / "alone")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "raced"]
