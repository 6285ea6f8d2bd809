"""What is done with bad boxes and bad images."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.files.names import check_file_name
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_boxes import WrittenBoxes, check_boxes
from tasks.detection.annotations.bad_images import check_images
from tasks.detection.annotations.ragged import start_offsets

NAN, INF = float("nan"), float("inf")


def annotations(boxes_by_image: list[list[list[float]]], folder: Path = Path("x")) -> Annotations:
    """Images of 100x50 with ids 10, 20, ... and boxes with ids 1, 2, ..."""
    boxes = np.array(list(chain.from_iterable(boxes_by_image)), float).reshape(-1, 4)
    images, count = len(boxes_by_image), len(boxes)
    return Annotations(
        image_ids=np.arange(1, images + 1) * 10,
        file_names=np.array([f"{i}.png" for i in range(images)]),
        sizes=np.tile([100, 50], (images, 1)),
        boxes=boxes,
        classes=np.zeros(count, np.int64),
        crowd=np.zeros(count, bool),
        areas=np.full(count, NAN),
        annotation_ids=np.arange(1, count + 1),
        offsets=start_offsets(np.array([len(boxes) for boxes in boxes_by_image])),
        label_map=LabelMap(("thing",), (7,)),
        folder=folder,
    )


def checked(boxes: list[list[float]], on_bad_box: str) -> Annotations:
    """The boxes after the first, which is good."""
    given = annotations([[[10, 10, 20, 20]], boxes])
    written = WrittenBoxes(Path("boxes.json"), "x0, y0, x1, y1", given.boxes.copy(), {})
    return check_boxes(given, written=written, on_bad_box=on_bad_box)


BAD_BOXES = [
    ([NAN, 1, 5, 5], "not finite", None),
    ([1, 1, INF, 5], "not finite", None),
    ([-INF, 1, NAN, 5], "not finite", None),
    ([5, 1, 1, 5], "without area", None),
    ([5, 5, 9, 5], "without area", None),
    ([-2, 1, 5, 5], "outside the image", [0, 1, 5, 5]),
    ([90, 40, 101.5, 52], "outside the image", [90, 40, 100, 50]),
    ([90, 40, 101.1, 50], "outside the image", [90, 40, 100, 50]),
    ([100, 10, 101, 20], "outside the image", None),
    ([200, 200, 300, 300], "outside the image", None),
]


@pytest.mark.parametrize(("box", "defect", "_"), BAD_BOXES)
def test_error_names_everything(box, defect, _):
    with pytest.raises(InputError) as caught:
        checked([box, [0, 0, 0, 0]], "error")
    text = "[" + ", ".join(f"{value:g}" for value in box) + "]"
    assert str(caught.value).startswith(
        f"boxes.json: annotation 2 of image 20 (1.png, 100x50) has the box {text} "
        f"(x0, y0, x1, y1), which is {defect}. 1 more box"
    )
    assert "data.on_bad_box=drop" in str(caught.value)
    assert "data.on_bad_box=clip" in str(caught.value)


@pytest.mark.parametrize(("box", "defect", "_"), BAD_BOXES)
def test_drop(box, defect, _):
    result = checked([box, [1, 2, 3, 4]], "drop")
    assert result.annotation_ids.tolist() == [1, 3]
    assert result.offsets.tolist() == [0, 1, 2]
    assert result.notes == (f"1 box dropped, {defect}, in boxes.json: annotation 2 of image 20",)


@pytest.mark.parametrize(("box", "defect", "expected"), BAD_BOXES)
def test_clip(box, defect, expected):
    result = checked([box], "clip")
    done = "clipped" if expected else "dropped"
    assert result.boxes[1:].tolist() == ([expected] if expected else [])
    assert result.notes == (f"1 box {done}, {defect}, in boxes.json: annotation 2 of image 20",)


@pytest.mark.parametrize("on_bad_box", ["error", "drop", "clip"])
def test_rounding_is_clipped_under_every_policy(on_bad_box):
    result = checked([[-1, 0, 5, 5], [90, 40, 100.0025, 51], [0, 0, 100, 50]], on_bad_box)
    assert result.boxes[1:].tolist() == [[0, 0, 5, 5], [90, 40, 100, 50], [0, 0, 100, 50]]
    assert result.areas.tolist() == [100, 25, 100, 5000]
    assert result.notes == ("2 boxes clipped by at most a pixel in boxes.json",)


def test_good_boxes_leave_no_notes():
    assert checked([[0, 0, 100, 50]], "error").notes == ()


def test_unknown_policies_list_the_known():
    with pytest.raises(InputError, match=r"data\.on_bad_box=fix is unknown.*error or drop or clip"):
        checked([], "fix")
    with pytest.raises(InputError, match=r"data\.on_bad_image=fix is unknown.*error or skip"):
        check_images(annotations([[]]), on_bad_image="fix")


def test_images_and_their_rows():
    data = annotations([[[0, 0, 1, 1], [0, 0, 2, 2]], [], [[0, 0, 3, 3]]])
    assert len(data) == 3
    assert [data.annotation_ids[data.rows(i)].tolist() for i in range(3)] == [[1, 2], [], [3]]
    assert data.image_of_row().tolist() == [0, 0, 2]
    assert data.path(2) == Path("x/2.png")


def test_selection_keeps_each_image_with_its_boxes():
    data = annotations([[[0, 0, 1, 1], [0, 0, 2, 2]], [], [[0, 0, 3, 3]]])
    chosen = data.select([2, 1, 0])
    assert chosen.image_ids.tolist() == [30, 20, 10]
    assert chosen.annotation_ids.tolist() == [3, 1, 2]
    assert chosen.offsets.tolist() == [0, 1, 1, 3]
    rest = data.without_images([0])
    assert rest.file_names.tolist() == ["1.png", "2.png"]
    assert rest.boxes.tolist() == [[0, 0, 3, 3]]
    assert len(data.select([])) == len(data.select([]).boxes) == 0


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "a/../../b.jpg", "/etc/a.jpg", "..\\a.jpg", "C:\\a.jpg", "", None, 3, "a\0b"],
)
def test_file_names_stay_in_their_folder(name):
    with pytest.raises(InputError, match=r"here: the (image's )?file name"):
        check_file_name(name, source="here")


@pytest.mark.parametrize("name", ["a.jpg", "sub/a.jpg", "..a.jpg", "a..b.jpg", "ä b.jpg"])
def test_ordinary_file_names_pass(name):
    check_file_name(name, source="here")


@pytest.fixture
def folder(tmp_path):
    """Six images of 100x50; the boxes of image 0 and 1 are one each."""
    for index in range(6):
        Image.new("RGB", (100, 50)).save(tmp_path / f"{index}.png")
    return tmp_path


def six(folder: Path) -> Annotations:
    return annotations([[[0, 0, 1, 1]], [[0, 0, 2, 2]], [], [], [], []], folder)


@pytest.mark.parametrize("on_bad_image", ["error", "skip"])
def test_good_images_pass(folder, on_bad_image):
    data = six(folder)
    assert check_images(data, on_bad_image=on_bad_image) is data


def spoil(folder: Path) -> None:
    (folder / "0.png").unlink()
    data = (folder / "4.png").read_bytes()
    (folder / "4.png").write_bytes(data[:60])


def test_bad_images_are_named(folder):
    spoil(folder)
    with pytest.raises(InputError) as caught:
        check_images(six(folder))
    lines = str(caught.value).splitlines()
    assert lines[0] == f"2 of 6 images in {folder} cannot be used:"
    assert lines[1].startswith("  image 10: ") and "0.png" in lines[1]
    assert lines[2].startswith("  image 50: ") and "4.png" in lines[2]
    assert "data.on_bad_image=skip" in lines[3]


def test_bad_images_are_skipped_and_noted(folder):
    spoil(folder)
    result = check_images(six(folder), on_bad_image="skip")
    assert result.image_ids.tolist() == [20, 30, 40, 60]
    assert result.annotation_ids.tolist() == [2]
    assert [note[:25] for note in result.notes] == [
        "1 image skipped: image 10",
        "1 image skipped: image 50",
    ]


def test_skip_finds_damage_that_the_ends_do_not_show(folder):
    data = bytearray((folder / "2.png").read_bytes())
    middle = data.index(b"IDAT") + 8
    data[middle : middle + 4] = b"\xff\xff\xff\xff"
    (folder / "2.png").write_bytes(data)
    assert check_images(six(folder), on_bad_image="skip").image_ids.tolist() == [10, 20, 40, 50, 60]


@pytest.mark.parametrize("on_bad_image", ["error", "skip"])
def test_all_bad_is_an_error_that_counts(folder, on_bad_image):
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"(?s)6 of 6 images.*and 1 more.*check the folder"):
        check_images(six(folder), on_bad_image=on_bad_image)


def test_declared_size_must_be_the_real_one(folder):
    Image.new("RGB", (200, 100)).save(folder / "3.png")
    message = r"image 40: .*3\.png is 200x100 but its annotations are for 100x50, so its boxes"
    with pytest.raises(InputError, match=message):
        check_images(six(folder))
    assert 40 not in check_images(six(folder), on_bad_image="skip").image_ids


def test_annotations_made_without_the_exif_rotation(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50)).save(folder / "3.png", exif=exif)
    with pytest.raises(InputError, match=r"3\.png is 50x100 .*100x50.*without the Exif rotation"):
        check_images(six(folder))
