"""Class folders as people have them: which are to train on, which to validate on, which neither."""

from pathlib import Path

import pytest

from backbone.errors import InputError
from tasks.classification.layouts.imagenet import ImageNetData
from tests.photo_files import write_photos
from tests.tasks.classification.folders import write_classes
from tests.tasks.classification.test_layouts import LOADING


def make(root: Path, counts: dict[str, int] | None = None, **settings) -> ImageNetData:
    write_classes(root, counts or {})
    return ImageNetData(root=str(root), on_bad_image="error", **LOADING, **settings)


@pytest.mark.parametrize("train", ["train", "Training"])
@pytest.mark.parametrize("val", ["val", "valid", "Validation", "test", "dev"])
def test_splits_by_any_of_their_names(train: str, val: str, tmp_path: Path):
    data = make(tmp_path, {f"{train}/cat": 2, f"{train}/dog": 1, f"{val}/cat": 1, "test/dog": 2})
    assert (len(data.photos("train")), data.label_map.names) == (3, ("cat", "dog"))
    assert data.photos("val").folder.name == val  # test/ only where there is no other


def test_a_train_is_a_vehicle_too(tmp_path: Path):
    data = make(tmp_path, {"train": 5, "bus": 5}, val_share=0.3)
    assert data.label_map.names == ("bus", "train")
    assert len(data.photos("train")) + len(data.photos("val")) == 10


@pytest.mark.parametrize("folder", ["", "train/"])
def test_a_share_of_each_class_is_held_out_and_stays_so(folder: str, tmp_path: Path):
    counts = {f"{folder}cat": 30, f"{folder}dog": 6, f"{folder}eel": 1}
    data = make(tmp_path, counts, val_share=0.2)
    val = {data.photos("val").name(i) for i in range(len(data.photos("val")))}
    assert set(data.photos("train").targets.tolist()) == {0, 1, 2}
    assert set(data.photos("val").targets.tolist()) == {0, 1}
    write_photos(tmp_path / f"{folder}cat", [f"more{number}.png" for number in range(20)])
    again = make(tmp_path, val_share=0.2).photos("val")
    assert val <= {again.name(i) for i in range(len(again))}


def test_a_group_is_on_one_side(tmp_path: Path):
    for film in range(6):
        write_photos(tmp_path / "cat", [f"film{film}_{number}.png" for number in range(3)])
        write_photos(tmp_path / "dog", [f"film{film}_{number}.png" for number in range(3)])
    data = make(tmp_path, val_share=0.3, group="film[0-9]+")
    films = [
        {photos.name(i)[4:9] for i in range(len(photos))}
        for photos in (data.photos("train"), data.photos("val"))
    ]
    assert films[0] and films[1] and not films[0] & films[1]


@pytest.mark.parametrize(
    ("counts", "settings", "said"),
    [
        (
            {"cat": 1, "dog": 1},
            {},
            "no train/ (nor training) and no val/ .* 2 folders .cat, dog.*data.val_share=0.2",
        ),
        ({"train/cat": 1, "train/dog": 1}, {}, "has no val/ .*1 folder .train.*data.val_share=0.2"),
        ({"test/cat": 1}, {}, "has no train/ .*Make a folder to train on"),
        ({"a/train/cat": 1, "a/val/cat": 1}, {}, "Splits are in .*a: give data.root="),
        ({"train/cat": 1, "val": 2}, {}, "2 photos lie in .*val itself, such as 0.png"),
        ({"train/cat": 1, "val/cat": 1}, {"val_share": 0.2}, "data.val_share=0.2: .*val is there"),
        ({"cat": 4}, {"val_share": 2}, "data.val_share=2: a number above 0"),
    ],
)
def test_what_is_missing_is_said_before_photos_are_read(counts, settings, said, tmp_path: Path):
    data = make(tmp_path, counts, **settings)
    for photo in tmp_path.rglob("*.png"):
        photo.write_text("no photo: to read it would be another error")
    with pytest.raises(InputError, match=said.replace("(nor training)", ".nor training.")):
        data.photos("train")


def test_a_table_is_named_where_there_is_one(tmp_path: Path):
    write_photos(tmp_path / "images", ["a.png"])
    (tmp_path / "labels.csv").write_text("id,label\na.png,cat\n")
    with pytest.raises(InputError, match=r"table labels\.csv.*data=table"):
        make(tmp_path).photos("train")


def test_photos_in_no_class_and_classes_in_classes_are_told(tmp_path: Path):
    data = make(tmp_path, {"train/pet/cat": 1, "train/pet/dog": 1, "train/x/images": 1, "train": 2})
    make(tmp_path, {"val/pet": 1, "val/x": 1})
    assert data.photos("train").notes == (
        "2 photos left out, in no class folder: 0.png, 1.png",
        "1 class has photos in folders of folders, all of one class: pet (cat, dog)",
    )


def test_tiny_imagenet_as_it_unpacks(tmp_path: Path):
    wnids = ("n01443537", "n01629819", "n99999999")
    write_classes(tmp_path, {f"train/{wnid}/images": 2 for wnid in wnids})
    write_photos(tmp_path / "val" / "images", ["val_0.png", "val_1.png"])
    rows = [f"val_0.png\t{wnids[2]}\t0\t0\t9\t9", f"val_1.png\t{wnids[0]}\t0\t0\t9\t9"]
    (tmp_path / "val" / "val_annotations.txt").write_text("\n".join(rows) + "\n")
    data = make(tmp_path)
    assert data.label_map.names == wnids
    assert data.photos("val").targets.tolist() == [2, 0]
    assert data.photos("train").notes == ()
    rows[0] = "../../secret.png\tn01443537"
    (tmp_path / "val" / "val_annotations.txt").write_text("\n".join(rows) + "\n")
    with pytest.raises(InputError, match="leads out"):
        make(tmp_path).photos("val")


def test_one_class_alone_is_warned_of(tmp_path: Path):
    data = make(tmp_path, {"train/ok": 2, "val/ok": 1})
    data.photos("train"), data.photos("val")
    assert data.report_lines()[-1].startswith("1 class only")
