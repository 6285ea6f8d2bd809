"""The same scenes in each tool's layout are the same boxes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backbone.errors import InputError
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.augmentation import recipes
from tasks.detection.data import FolderData
from tasks.detection.layouts import known
from tasks.detection.metric import CocoMetric
from tasks.detection.records import truth_records
from tests.commands import ROOT
from tests.tasks.detection.layout_writers import (
    WITH_OUTLINES,
    WRITERS,
    coco_of,
    voc_labelimg,
    voc_xml,
    yolo_text,
)
from tests.tasks.detection.scenes import CLASSES, DIVIDED, SCENES, Scene, dump, photos, put

SETTINGS: dict[str, Any] = {
    "augmentation": recipes.plain,
    "on_bad_box": "error",
    "on_bad_image": "error",
    "batch_size": 2,
    "num_workers": 0,
    "image_size": 96,
    "seed": 0,
}


def folder(root: Path, **settings: Any) -> FolderData:
    return FolderData(root=str(root), **SETTINGS | settings)


def read(root: Path, **settings: Any) -> dict[str, Annotations]:
    data = folder(root, **settings)
    return {"train": data.train_annotations, "val": data.val_annotations}


def scenes_of(*parts: Annotations) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Classes and boxes by the names of the photos, without what an upload put before them."""
    found = {}
    for part in parts:
        for index, file in enumerate(part.file_names.tolist()):
            rows = part.rows(index)
            names = [part.label_map.names[label] for label in part.classes[rows]]
            pairs = zip(names, part.boxes[rows], strict=True)
            found[Path(file).stem.removeprefix("0a1b2c3d-")] = list(pairs)
    return found


def check(found: dict[str, list[tuple[str, np.ndarray]]], scenes: list[Scene]) -> None:
    assert set(found) == {scene.name for scene in scenes}
    for scene in scenes:
        assert [name for name, _ in found[scene.name]] == [name for name, *_ in scene.boxes]
        for (_, box), (_, *corners) in zip(found[scene.name], scene.boxes, strict=True):
            np.testing.assert_allclose(box, corners, atol=0.1)


@pytest.mark.parametrize(
    ("name", "numbered"), [("voc", True), ("yolo_label_studio", True), ("coco", False)]
)
def test_predictions_lead_to_their_photos(name: str, numbered: bool, tmp_path: Path):
    WRITERS[name](tmp_path)
    annotations = folder(tmp_path, val_share=0.25).train_annotations
    metric = CocoMetric(annotations)
    metric.update(truth_records(annotations))
    metric.compute()
    metric.save(tmp_path)
    for row in json.loads((tmp_path / "predictions.json").read_text()):
        (index,) = np.flatnonzero(annotations.image_ids == row["image_id"]).tolist()
        named = {"file_name": annotations.file_names[index]} if numbered else {}
        assert {key: row[key] for key in row if key == "file_name"} == named


def test_films_and_raw_files_among_photos_are_told(tmp_path: Path):
    voc_labelimg(tmp_path)
    for name in ("a.MOV", "b.mov", "c.dng"):
        (tmp_path / name).write_bytes(b"x")
    lines = folder(tmp_path, val_share=0.25).report_lines()
    assert lines[0].endswith("; left out, 3 films and raw files: 2 .mov, 1 .dng")


@pytest.mark.parametrize("inside", ["", "unpacked/my set (1)"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_layout_gives_the_same_boxes(name: str, inside: str, tmp_path: Path):
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    WRITERS[name](tmp_path / inside)
    data = folder(tmp_path, val_share=0.25)
    parts = {"train": data.train_annotations, "val": data.val_annotations}
    assert sorted(parts["train"].label_map.names) == sorted(CLASSES)
    assert parts["train"].label_map == parts["val"].label_map
    check(scenes_of(*parts.values()), SCENES)
    divided = data.found.val is not None
    for split, scenes in DIVIDED.items():
        if divided:
            check(scenes_of(parts[split]), scenes)
        assert len(parts[split])
    lines = data.report_lines()
    assert ("data.val_share: not used, since there is a split for validation" in lines) == divided
    assert any("held out by their names" in line for line in lines) != divided
    # sizes are those of the photos, so that the check of these finds no fault
    assert {tuple(size) for part in parts.values() for size in part.sizes.tolist()} == {
        scene.size for scene in SCENES
    }


@pytest.mark.parametrize("name", WITH_OUTLINES)
def test_outlines_fill_their_boxes(name: str, tmp_path: Path):
    WRITERS[name](tmp_path)
    part = read(tmp_path, masks=True, val_share=0.25)["train"]
    sides = part.boxes[:, 2:] - part.boxes[:, :2]
    np.testing.assert_allclose(part.areas, sides.prod(axis=1), rtol=0.05)


@pytest.mark.parametrize("name", ["voc_labelimg", "voc", "labelme", "table"])
def test_boxes_alone_are_refused_where_masks_are_needed(name: str, tmp_path: Path):
    WRITERS[name](tmp_path)
    with pytest.raises(InputError, match="boxes only, and this task needs masks"):
        read(tmp_path, masks=True, val_share=0.25)


def test_without_a_share_an_undivided_set_is_refused(tmp_path: Path):
    voc_labelimg(tmp_path)
    with pytest.raises(InputError, match=r"no split to validate on.*data\.val_share=0\.2"):
        read(tmp_path)
    assert len(folder(tmp_path, val_share=1).val_annotations) == len(SCENES)
    with pytest.raises(InputError, match="no photos to train on"):
        _ = folder(tmp_path, val_share=1).train_annotations


def test_a_split_that_is_trained_on_is_not_validated_on(tmp_path: Path):
    voc_labelimg(tmp_path / "test photos")
    with pytest.raises(InputError, match=r"no split to train on; there is 'test photos'"):
        read(tmp_path)
    parts = read(tmp_path, train_split="test photos", val_share=0.25)
    check(scenes_of(*parts.values()), SCENES)
    assert not set(scenes_of(parts["train"])) & set(scenes_of(parts["val"]))
    with pytest.raises(InputError, match=r"data\.val_split=dev: there is no such split"):
        read(tmp_path, train_split="test photos", val_split="dev")


def test_groups_stay_together(tmp_path: Path):
    voc_labelimg(tmp_path)
    parts = read(tmp_path, val_share=0.5, group="scene ([0-3]|[4-7])")
    names = [set(scenes_of(part)) for part in parts.values()]
    assert all(names) and not names[0] & names[1]


def test_photos_without_annotations_are_counted(tmp_path: Path):
    voc_labelimg(tmp_path)
    data = folder(tmp_path, val_share=0.25)
    _ = data.train_annotations
    lines = data.report_lines()
    assert lines[0] == "VOC: 7 XML files, as LabelImg has them"
    assert "  1 photo without XML, taken to show no objects" in lines


def test_an_annotation_without_its_photo_is_refused(tmp_path: Path):
    voc_labelimg(tmp_path)
    (tmp_path / f"{SCENES[0].name}.JPG").unlink()
    with pytest.raises(InputError, match=r"No image file at .*scene 0\.jpg"):
        read(tmp_path, val_share=0.25)


def test_several_layouts_in_one_folder_are_a_choice(tmp_path: Path):
    voc_labelimg(tmp_path)
    dump(tmp_path / "boxes.json", coco_of(SCENES))
    with pytest.raises(InputError, match=r"data\.layout=coco: .*data\.layout=voc"):
        read(tmp_path, val_share=0.25)
    check(scenes_of(*read(tmp_path, val_share=0.25, layout="voc").values()), SCENES)


def half_yolo(root: Path) -> None:
    photos(root / "images", SCENES)
    put(root / "data.yaml", "train: images\nnames: [a]\n")


def video(root: Path) -> None:
    put(root / "annotations.xml", "<annotations><track id='0'/></annotations>")


def archive(root: Path) -> None:
    put(root / "export.zip", "")


def nothing(root: Path) -> None:
    photos(root / "pictures", SCENES)


def rotten_class(root: Path) -> None:
    photos(root, SCENES[:1])
    put(root / f"{SCENES[0].name}.txt", "7 0.5 0.5 0.1 0.1\n")
    put(root / "classes.txt", "a\nb\n")


def six_numbers(root: Path) -> None:
    photos(root, SCENES[:1])
    put(root / f"{SCENES[0].name}.txt", yolo_text(SCENES[0]).strip() + " 0.97\n")


def two_years(root: Path) -> None:
    for year in ("VOC2007", "VOC2012"):
        put(root / year / "ImageSets" / "Main" / "train.txt", "a\n")
        put(root / year / "Annotations" / "a.xml", voc_xml(SCENES[0]))


def column_missing(root: Path) -> None:
    put(root / "boxes.csv", "file,xmin,ymin,xmax,ymax\na.jpg,1,2,3,4\n")


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (half_yolo, r"data\.yaml is of YOLO's layout, but no photo has a label file"),
        (video, "CVAT's XML for video.*CVAT for images 1.1"),
        (archive, "export.zip is an archive: unpack it here"),
        (nothing, r"Looked for annotations of boxes in .*holds pictures.*Known are: COCO.*=demo"),
        (rotten_class, r"scene 0\.txt, line 1: .*of class 7; the classes are 0 a, 1 b"),
        (six_numbers, r"scene 0\.txt, line 1: .*has 6 numbers: a box has 5"),
        (two_years, "several VOC data sets.*VOC2012"),
        (column_missing, r"boxes\.csv has the columns .*and no class"),
    ],
)  # fmt: skip
def test_what_is_known_by_half_is_named(write, said: str, tmp_path: Path):
    write(tmp_path)
    with pytest.raises(InputError, match=f"(?s){said}"):
        read(tmp_path, val_share=0.25)


def test_pictures_in_folders_of_their_own_are_no_photos(tmp_path: Path):
    voc_labelimg(tmp_path / "photos")
    photos(tmp_path / "masks", SCENES)
    data = folder(tmp_path, val_share=0.25)
    check(scenes_of(data.train_annotations, data.val_annotations), SCENES)
    assert "  8 pictures left out, in folders without annotations: masks" in data.report_lines()


def test_lists_hold_whatever_the_folder_of_photos_is_called(tmp_path: Path):
    WRITERS["voc"](tmp_path)
    (tmp_path / "JPEGImages").rename(tmp_path / "images")
    parts = read(tmp_path)
    for split, scenes in DIVIDED.items():
        check(scenes_of(parts[split]), scenes)


def test_a_missing_split_of_yolo_is_told(tmp_path: Path):
    WRITERS["yolo"](tmp_path)
    data = folder(tmp_path)
    check(scenes_of(data.train_annotations), DIVIDED["train"])
    assert "  test is ../test/images, where there are no photos" in data.report_lines()


def test_a_new_layout_is_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    added = ROOT / "tests" / "new_files" / "tasks" / "detection" / "layouts" / "known"
    monkeypatch.setattr(known, "__path__", [*known.__path__, str(added)])
    photos(tmp_path, SCENES)
    for scene in SCENES:
        put(tmp_path / f"{scene.name}.dots", "dot 20 30 8\n")
    data = folder(tmp_path, val_share=0.25)
    assert data.report_lines()[0] == "dots: 8 files"
    boxes = [*data.train_annotations.boxes, *data.val_annotations.boxes]
    assert np.array_equal(boxes, [[12, 22, 28, 38]] * len(SCENES))
