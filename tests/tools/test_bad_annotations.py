"""The commands on annotations with faults: one message with file and id, or a counted repair."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_inside
from tests.small_data import TRAIN, Change, evaluate, refuses, write_coco, write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "small.safetensors")


def entry(section: str, index: int = 0, **values: Any) -> Change:
    """Replaces values of an entry."""

    def change(content: dict[str, Any]) -> None:
        content[section][index].update(values)

    return change


def without(section: str, key: str) -> Change:
    """Takes a key out of every entry."""

    def change(content: dict[str, Any]) -> None:
        for values in content[section]:
            del values[key]

    return change


def box(*values: Any) -> Change:
    return entry("annotations", bbox=list(values))


def crowd_only(content: dict[str, Any]) -> None:
    for annotation in content["annotations"]:
        annotation["iscrowd"] = 1


def empty(section: str) -> Change:
    return lambda content: content | {section: []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: "hello", "not JSON"),
        (lambda content: " ", "is empty"),
        (lambda content: json.dumps(content)[:-30], "cut short"),
        (lambda content: "[" * 100_000, "not usable JSON"),
        (lambda content: {"images": content["images"]}, "no section 'annotations'"),
        (empty("images"), "has no images"),
        (empty("categories"), "has no categories"),
        (entry("images", id=7.5), "images[0] (id 7.5)"),
        (entry("annotations", image_id=None), "annotations[0] (id 1) has None as image_id"),
        (entry("images", id=8), "images has the id 8 more than once"),
        (entry("annotations", id=2), "annotations has the id 2 more than once"),
        (entry("categories", id=4), "categories has the id 4 more than once"),
        (entry("categories", name="square"), "square"),
        (entry("annotations", image_id=99), "annotations[0] (id 1) refers to image_id 99"),
        (entry("annotations", category_id=99), "annotations[0] (id 1) refers to category_id 99"),
        (entry("images", file_name="../train/0.jpg"), "image 7: the file name '../train/0.jpg'"),
        (entry("images", file_name="/etc/passwd"), "image 7: the file name '/etc/passwd'"),
        (entry("images", file_name=None), "image 7: the image's file name is None"),
        (entry("images", width=-1), "images[0] (id 7) has the size -1x60"),
        (entry("categories", name=" "), "categories[0] has an empty class name"),
    ],
)
def test_coco_files_that_are_refused(change: Change, said: str, weights: Path, tmp_path: Path):
    done = evaluate(weights, write_coco(tmp_path / "coco", change=change), cwd=tmp_path)
    refuses(done, "instances_val.json", said, folder=tmp_path)


@pytest.mark.parametrize("size", [{"width": 81}, {"width": 60, "height": 80}])
def test_sizes_other_than_the_photos_are_refused(
    size: dict[str, int], weights: Path, tmp_path: Path
):
    root = write_coco(tmp_path / "coco", change=entry("images", **size))
    refuses(evaluate(weights, root, cwd=tmp_path), "image 7", "0.jpg is 80x60", folder=tmp_path)


BOXES = {
    "text": (box("1", 2, 3, 4), "['1', 2, 3, 4]"),
    "three": (box(1, 2, 3), "[1, 2, 3]"),
    "nan": (box(math.nan, 2, 3, 4), "[nan, 2, 3, 4]"),
    "infinite": (box(1, 2, math.inf, 4), "[1, 2, inf, 4]"),
    "negative": (box(40, 10, -30, 20), "[40, 10, -30, 20]"),
    "zero": (box(10, 10, 0, 20), "[10, 10, 0, 20]"),
    "outside": (box(70, 10, 30, 20), "[70, 10, 30, 20]"),
    "missing": (without("annotations", "bbox"), "None"),
}


@pytest.mark.parametrize("name", BOXES)
def test_bad_boxes_are_refused_as_written(name: str, weights: Path, tmp_path: Path):
    change, written = BOXES[name]
    done = evaluate(weights, write_coco(tmp_path / "coco", change=change), cwd=tmp_path)
    where = ("instances_val.json", "annotation 1 of image 7 (0.jpg, 80x60)")
    refuses(done, *where, f"the box {written}", "on_bad_box=drop", folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "policy", "done_to_it"),
    [
        ("three", "drop", "dropped"),
        ("nan", "clip", "dropped"),
        ("zero", "clip", "dropped"),
        ("outside", "drop", "dropped"),
        ("outside", "clip", "clipped"),
    ],
)
def test_bad_boxes_are_mended_and_counted(
    name: str, policy: str, done_to_it: str, weights: Path, tmp_path: Path
):
    root = write_coco(tmp_path / "coco", change=BOXES[name][0])
    done = evaluate(weights, root, f"data.on_bad_box={policy}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"1 box {done_to_it}" in done.stdout
    report = (tmp_path / "run" / "report.txt").read_text()
    assert f"1 box {done_to_it}" in report
    assert "annotation 1 of image 7" in report


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (entry("annotations", id=0), "1 annotation id changed"),
        (without("annotations", "area"), "2 areas missing"),
        (without("annotations", "iscrowd"), "2 crowd flags missing"),
        (box(60.5, 10, 20, 20), "1 box clipped by at most a pixel"),
        (empty("annotations"), "no annotations"),
        (crowd_only, "only crowd regions"),
    ],
)
def test_repairs_are_counted(change: Change, note: str, weights: Path, tmp_path: Path):
    root = write_coco(tmp_path / "coco", change=change)
    done = evaluate(weights, root, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert note in done.stdout
    assert note in (tmp_path / "run" / "report.txt").read_text()


def test_gaps_in_ids_are_no_fault(weights: Path, tmp_path: Path):
    root = write_coco(tmp_path / "coco", change=entry("annotations", id=10**12))
    assert evaluate(weights, root, cwd=tmp_path).returncode == 0
    found = json.loads((tmp_path / "run" / "predictions.json").read_text())
    assert {row["category_id"] for row in found} == {1, 4}
    assert {row["image_id"] for row in found} == {7, 8}


@pytest.mark.parametrize(
    ("change", "said"), [(empty("annotations"), "no boxes"), (crowd_only, "data.crowds=objects")]
)
def test_training_without_objects_is_refused(change: Change, said: str, tmp_path: Path):
    root = write_coco(tmp_path / "coco", split="train", change=change)
    done = run_inside("train", *TRAIN, f"data.root={root}", cwd=tmp_path)
    refuses(done, "Nothing to learn", said, folder=tmp_path)


@pytest.mark.parametrize("split", ["train", "val"])
def test_training_refuses_a_fault_in_either_split(split: str, tmp_path: Path):
    root = write_coco(tmp_path / "coco", split=split, change=BOXES["nan"][0])
    done = run_inside("train", *TRAIN, f"data.root={root}", cwd=tmp_path)
    refuses(done, f"instances_{split}.json", "annotation 1 of image 7", folder=tmp_path)


def test_training_drops_and_counts(tmp_path: Path):
    root = write_coco(tmp_path / "coco", split="train", change=BOXES["nan"][0])
    done = run_inside("train", *TRAIN, f"data.root={root}", "data.on_bad_box=drop", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 box dropped" in done.stdout
    assert "annotation 1 of image 7" in (tmp_path / "run" / "report.txt").read_text()


def test_classes_that_the_network_does_not_know_are_refused(weights: Path, tmp_path: Path):
    others = [{"id": 1, "name": "fig"}, {"id": 4, "name": "pear"}]
    root = write_coco(tmp_path / "coco", change=lambda content: content | {"categories": others})
    refuses(evaluate(weights, root, cwd=tmp_path), "fig", "disc", folder=tmp_path)
