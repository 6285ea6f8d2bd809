"""Several data sets to train on together: classes go by their names."""

from pathlib import Path

import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.detection.data import FolderData
from tests.tasks.detection.layout_writers import coco_of, voc, yolo
from tests.tasks.detection.scenes import CLASSES, SCENES, TRAIN, VAL, Scene, dump, photos
from tests.tasks.detection.test_layouts import SETTINGS, check, scenes_of

OTHER = Scene("other", (64, 64), (("disc", 1, 2, 30, 40), ("star", 5, 5, 20, 20)))


def other(root: Path) -> Path:
    """A set of one photo without a split, whose classes and ids are others."""
    root.mkdir(parents=True)
    Image.new("RGB", OTHER.size).save(root / "other.jpg")
    content = {
        "images": [{"id": 1, "file_name": "other.jpg", "width": 64, "height": 64}],
        "categories": [{"id": 1, "name": "star"}, {"id": 2, "name": "disc"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 2, 29, 38], "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [5, 5, 15, 15], "iscrowd": 0},
        ],
    }
    dump(root / "boxes.json", content)
    return root


def test_roots_of_other_layouts_are_one_set(tmp_path: Path):
    yolo(tmp_path / "a")
    other(tmp_path / "b")
    data = FolderData(root=None, roots=[tmp_path / "a", tmp_path / "b"], **SETTINGS)
    train, val = data.train_annotations, data.val_annotations
    check(scenes_of(train), [*TRAIN, OTHER])
    check(scenes_of(val), VAL)
    assert train.label_map.names == (*CLASSES, "star")
    assert len(set(train.image_ids.tolist())) == len(train)
    assert train.folder == tmp_path and all(path.is_file() for path in train.paths())
    assert "YOLO: " in data.report_lines()[0] and "COCO: " in data.report_lines()[0]


def test_undivided_roots_are_held_out_from_together(tmp_path: Path):
    roots = [other(tmp_path / "a"), other(tmp_path / "b"), other(tmp_path / "c")]
    data = FolderData(root=None, roots=roots, val_share=0.3, group="folder", **SETTINGS)
    assert len(data.train_annotations) + len(data.val_annotations) == len(roots)
    assert len(data.val_annotations)


def test_lists_of_coco_files_are_one_set(tmp_path: Path):
    for name, scenes in (("a", TRAIN), ("b", VAL)):
        photos(tmp_path / name / "images", scenes)
        dump(tmp_path / name / "boxes.json", coco_of(scenes))
    files = [tmp_path / name / "boxes.json" for name in "ab"]
    folders = [tmp_path / name / "images" for name in "ab"]
    data = FolderData(
        root=None, train_annotations=files, train_images=folders, val_share=0.25, masks=True,
        **SETTINGS,
    )  # fmt: skip
    check(scenes_of(data.train_annotations, data.val_annotations), SCENES)
    outlines = data.train_annotations.outlines
    assert outlines is not None and len(outlines) == len(data.train_annotations.boxes)
    with pytest.raises(InputError, match=r"2 files and data\.train_images 3 folders"):
        _ = FolderData(root=None, train_annotations=files, train_images=[*folders, tmp_path],
                       **SETTINGS).found  # fmt: skip


def test_one_set_twice_is_refused(tmp_path: Path):
    voc(tmp_path / "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    data = FolderData(root=None, roots=[tmp_path / "a", tmp_path / "b"], **SETTINGS)
    with pytest.raises(InputError, match="6 photos are in several of the data sets"):
        _ = data.train_annotations
    with pytest.raises(InputError, match=r"data\.roots names one folder twice"):
        _ = FolderData(root=None, roots=[tmp_path, tmp_path], **SETTINGS).found
    with pytest.raises(InputError, match="either one folder or several"):
        FolderData(root="a", roots=["b"], **SETTINGS)
