"""COCO files as tools write them: what is mended and said, and what is refused with the cause."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.layouts.coco import read_coco
from tasks.detection.metric import CocoMetric
from tasks.detection.records import truth_records
from tasks.detection.task import category_ids
from tests.tasks.detection.layout_writers import coco_of
from tests.tasks.detection.scenes import SCENES, dump, photos
from tests.tasks.detection.test_layouts import check, folder, scenes_of

Content = dict[str, Any]
Change = Callable[[Content], Any]
TOTAL = sum(len(scene.boxes) for scene in SCENES)


def read(tmp_path: Path, change: Change, **options: Any) -> Annotations:
    """The scenes in one file, after a change."""
    photos(tmp_path / "images", SCENES)
    content = coco_of(SCENES)
    dump(tmp_path / "boxes.json", change(content) or content)
    return read_coco(tmp_path / "boxes.json", tmp_path / "images", **options)


def each(section: str, **values: Any) -> Change:
    """Sets values of every entry; a function makes one from the entry, None takes the key out."""

    def change(content: Content) -> None:
        for entry in content[section]:
            for key, value in values.items():
                if value is None:
                    del entry[key]
                else:
                    entry[key] = value(entry) if callable(value) else value

    return change


def both(*changes: Change) -> Change:
    def change(content: Content) -> None:
        for one in changes:
            one(content)

    return change


def text(key: str, form: str = "{}") -> Callable[[Content], str]:
    return lambda entry: form.format(entry[key])


def shares(entry: Content) -> list[float]:
    x, y, width, height = entry["bbox"]
    return [x / 200, y / 60, width / 200, height / 60]


def corners(entry: Content) -> list[float]:
    x, y, width, height = entry["bbox"]
    return [x, y, x + width, y + height]


def roboflow(content: Content) -> None:
    each("categories", supercategory="things")(content)
    content["categories"].insert(0, {"id": 0, "name": "things", "supercategory": "none"})


def background(content: Content) -> None:
    content["categories"].append({"id": 9, "name": "__background__"})


def named(form: str) -> Change:
    return each("images", file_name=text("file_name", form))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: None, ""),
        (each("images", width=None, height=None), "8 photos without width and height"),
        (each("images", width=0, height=0), "8 photos without width and height"),
        (each("annotations", bbox=None), f"{TOTAL} boxes missing in .* taken around the outline"),
        (each("annotations", bbox=[]), f"{TOTAL} boxes missing in .* taken around the outline"),
        (each("annotations", area=0), f"{TOTAL} areas of 0 or beyond"),
        (each("annotations", area=2e10), f"{TOTAL} areas of 0 or beyond"),
        (each("annotations", iscrowd=False), ""),
        (each("annotations", id=None), f"{TOTAL} annotations without id in .*: numbered from 1"),
        (each("annotations", id=text("id", "a{}")), "ids of annotations that are no numbers"),
        (each("annotations", category_id=text("category_id")), f"{TOTAL} category_ids are no"),
        (each("annotations", category_id=lambda entry: float(entry["category_id"])), "1.0|2.0"),
        (each("annotations", image_id=text("image_id")), f"{TOTAL} image_ids are no whole"),
        (each("categories", name=text("name", " {} ")), ""),
        (roboflow, "1 category left out .*'things'"),
        (background, "1 category left out .*'__background__'"),
        (named("/data/upload/1/{}"), "8 files found by the last part of their names"),
        (named("..\\..\\upload\\4\\{}"), "8 files found by the last part of their names"),
        (named("/data/local-files/?d=set/{}"), "8 files found by the last part"),
        (named("http://localhost:8080/data/{}"), "8 files found by the last part"),
        (named("images\\{}"), "8 files found"),
        (named("0a1b2c3d-{}"), "8 files found without what an upload put before"),
        (each("images", file_name=lambda e: e["file_name"].upper()), "8 files found in other cap"),
        (each("images", file_name=lambda e: e["file_name"][:-4]), "8 files found .* suffix"),
        (each("images", file_name=lambda e: e["file_name"][:-4] + ".png"), "8 files .* suffix"),
    ],
)  # fmt: skip
def test_what_is_mended_and_said(change: Change, said: str, tmp_path: Path):
    data = read(tmp_path, change)
    check(scenes_of(data), SCENES)
    notes = "\n".join(data.notes)
    assert re.search(said, notes) if said else not notes, notes
    sides = data.boxes[:, 2:] - data.boxes[:, :2]
    np.testing.assert_allclose(data.areas, sides.prod(axis=1))
    assert data.label_map.names == ("disc", "traffic light")


def test_text_ids_come_back_in_the_predictions(tmp_path: Path):
    forms = {"id": text("id", "{:012}")}
    references = {"image_id": text("image_id", "{:012}")}
    data = read(tmp_path, both(each("images", **forms), each("annotations", **references)))
    check(scenes_of(data), SCENES)
    metric = CocoMetric(data, alone=True)
    metric.update(truth_records(data))
    metric.compute()
    metric.save(tmp_path)
    found = json.loads((tmp_path / "predictions.json").read_text())
    filled = [n for n, scene in enumerate(SCENES, 1) if scene.boxes]
    assert {row["image_id"] for row in found} == {f"{number:012}" for number in filled}


def test_ids_need_not_be_numbers(tmp_path: Path):
    forms = {"id": text("id", "photo {}")}
    references = {"image_id": text("image_id", "photo {}")}
    data = read(tmp_path, both(each("images", **forms), each("annotations", **references)))
    check(scenes_of(data), SCENES)
    assert data.image_ids.tolist()[0] == "photo 1"


def blank(content: Content) -> None:
    content["categories"][0]["name"] = " "


def no_annotations(content: Content) -> None:
    del content["annotations"]


@pytest.mark.parametrize("policy", ["error", "drop", "clip"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (each("annotations", bbox=shares), "look like shares of the photo.*Multiply x and width"),
        (each("annotations", bbox=corners), "look like corners. Subtract x and y"),
        (blank, r"categories\[0\] has an empty class name"),
        (no_annotations, "no section 'annotations'; it has 'images', 'categories'.*predict.py"),
        (named("http://example.org/gone-{}"), "is at the address.*download the photos"),
        (named("../elsewhere/gone-{}"), "leads out of the image folder"),
    ],
)
def test_what_is_refused_with_its_cause(change: Change, said: str, policy: str, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        read(tmp_path, change, on_bad_box=policy)


def test_rotated_boxes_are_named(tmp_path: Path):
    change = each("annotations", bbox=lambda entry: [*entry["bbox"], 30.123456789012345])
    with pytest.raises(InputError, match="a fifth number, an angle: rotated boxes are not read"):
        read(tmp_path, change)
    data = read(tmp_path, change, on_bad_box="drop")
    assert len(data.boxes) == 0 and f"{TOTAL} boxes dropped, not four numbers" in data.notes[0]


def test_a_file_listed_twice_is_told(tmp_path: Path):
    def change(content: Content) -> None:
        content["images"].append(content["images"][0] | {"id": 99})

    (note,) = read(tmp_path, change).notes
    assert note.startswith("1 file is listed as more than one photo") and "scene 0.jpg" in note


def test_classes_that_differ_in_capitals_only_are_told(tmp_path: Path):
    def change(content: Content) -> None:
        content["categories"][1]["name"] = "DISC "

    (note,) = read(tmp_path, change).notes
    assert note.startswith("classes 'disc' and 'DISC' differ in capitals or blanks only")


def test_a_class_that_training_calls_otherwise_is_named(caplog: pytest.LogCaptureFixture):
    trained = LabelMap(("Disc", "traffic light"), (1, 2))
    with pytest.raises(InputError, match="None of the data set's classes"):
        category_ids(trained, LabelMap(("disc",), (1,)))
    assert "'disc' - did you mean 'Disc'?" in caplog.text
    caplog.clear()
    assert category_ids(trained, LabelMap(("traffic_light", "Disc"), (5, 6))) == [6, -1]
    assert "'traffic_light' - did you mean 'traffic light'?" in caplog.text


def written(root: Path, train: Change, val: Change = lambda content: None) -> Path:
    """A COCO folder whose splits are the scenes after changes, with the same photos in both."""
    for split, change in (("train", train), ("val", val)):
        photos(root / split, SCENES)
        content = coco_of(SCENES)
        dump(root / "annotations" / f"instances_{split}.json", change(content) or content)
    return root


def tiny(entry: Content) -> list[float]:
    return [*entry["bbox"][:2], 0.5, 0.5]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content | {"annotations": []}, "the 8 training photos .* have no boxes"),
        (each("annotations", iscrowd=1), f"all {TOTAL} boxes .* crowds.*data.crowds=objects"),
        (each("annotations", bbox=tiny), "all boxes .* under a pixel at the network's 96 pixels"),
    ],
)  # fmt: skip
def test_nothing_to_learn_is_refused(change: Change, said: str, tmp_path: Path):
    with pytest.raises(InputError, match=f"Nothing to learn: {said}"):
        _ = folder(written(tmp_path, change)).train_annotations


def crowds(content: Content) -> None:
    for entry in content["annotations"][::2]:
        entry["iscrowd"] = 1


def small(content: Content) -> None:
    content["annotations"][0]["bbox"] = [10, 10, 0.7, 20]


def unused(content: Content) -> None:
    content["categories"].append({"id": 7, "name": "unused"})


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        (crowds, {}, f"  {(TOTAL + 1) // 2} of {TOTAL} boxes marked as crowds or difficult: ign"),
        (crowds, {"crowds": "objects"}, f"  {(TOTAL + 1) // 2} boxes marked as crowds or difficul"),
        (small, {}, f"  1 of {TOTAL} boxes under a pixel at the network's 96 pixels"),
        (unused, {}, "  1 class without a box to train on: unused"),
    ],
)
def test_what_training_sees_little_of_is_reported(
    change: Change, settings: dict[str, Any], said: str, tmp_path: Path
):
    data = folder(written(tmp_path, change), **settings)
    ignored = data.train_annotations.crowd.sum()
    assert (ignored > 0) == (change is crowds and not settings)
    assert any(line.startswith(said) for line in data.report_lines()), data.report_lines()


def test_copies_of_training_photos_are_told(tmp_path: Path):
    data = folder(written(tmp_path, lambda content: None))
    assert len(data.train_annotations) == len(data.val_annotations)
    assert data.cautions() == [
        "8 of 8 validation photos are trained on too, so that figures flatter"
    ]
