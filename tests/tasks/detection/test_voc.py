"""VOC folders, whole and broken."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.detection.annotations.bad_images import check_images
from tasks.detection.layouts.voc import read_voc, voc_label_map, voc_lists, voc_splits

SIZE = "<size><width>100</width><height>50</height><depth>3</depth></size>"


def thing(name: str, *corners: object, extra: str = "") -> str:
    tags = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, corners, strict=True))
    return f"<object><name>{name}</name>{extra}<bndbox>{box}</bndbox></object>"


def write(root: Path, name: str, content: str, *, suffix: str = ".jpg") -> None:
    """One image of 100x50 and the inside of its XML file, listed in train."""
    (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{content}</annotation>")
    Image.new("RGB", (100, 50)).save(root / "JPEGImages" / f"{name}{suffix}")
    with (root / "ImageSets" / "Main" / "train.txt").open("a") as file:
        file.write(f"{name}\n")


@pytest.fixture
def root(tmp_path):
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def refusal(root: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_voc(root, split="train", **options)
    return str(caught.value)


def test_reads_everything(root):
    difficult = thing("cat", 1, 1, 100, 50, extra="<difficult>1</difficult>")
    inner = "<part><name>head</name><bndbox><xmin>9</xmin></bndbox></part>"
    wrong_name = "<filename>elsewhere.png</filename>"
    write(root, "b", wrong_name + SIZE + difficult + thing("dog", 3, 4, 3, 4, extra=inner))
    write(root, "empty", SIZE, suffix=".PNG")
    write(root, "a", SIZE + thing("cat", 10.5, 20, 30, 40))
    data = read_voc(root, split="train")
    assert data.image_ids.tolist() == [1, 2, 3]
    assert data.file_names.tolist() == ["b.jpg", "empty.PNG", "a.jpg"]
    assert data.sizes.tolist() == [[100, 50]] * 3
    assert data.boxes.tolist() == [[0, 0, 100, 50], [2, 3, 3, 4], [9.5, 19, 30, 40]]
    assert data.areas.tolist() == [5000, 1, 20.5 * 21]
    assert data.classes.tolist() == [0, 1, 0]
    assert data.crowd.tolist() == [True, False, False]
    assert data.annotation_ids.tolist() == [1, 2, 3]
    assert data.offsets.tolist() == [0, 2, 2, 3]
    assert data.label_map == LabelMap(("cat", "dog"), (1, 2))
    assert data.notes == ()
    assert check_images(data) is data


def test_classes_are_those_of_all_lists(root):
    write(root, "a", SIZE + thing("zebra", 1, 1, 9, 9))
    write(root, "b", SIZE + thing("ant", 1, 1, 9, 9))
    (root / "ImageSets/Main/train.txt").write_text("a\n")
    assert voc_label_map(root) == LabelMap(("ant", "zebra"), (1, 2))
    assert read_voc(root, split="train").classes.tolist() == [1]


@pytest.mark.parametrize("size", ["", SIZE.replace("100", "0"), SIZE.replace("50", "inf")])
def test_missing_size_is_taken_from_the_image(root, size):
    write(root, "a", size + thing("cat", 1, 1, 9, 9))
    assert read_voc(root, split="train").sizes.tolist() == [[100, 50]]


def test_missing_image_is_found_out_by_the_check(root):
    write(root, "a", SIZE + thing("cat", 1, 1, 9, 9))
    write(root, "b", SIZE + thing("cat", 1, 1, 9, 9))
    (root / "JPEGImages/a.jpg").unlink()
    data = read_voc(root, split="train")
    with pytest.raises(InputError, match=r"image 1: No image file at .*a\.jpg"):
        check_images(data)


def test_coordinates_counted_from_zero_are_clipped_and_noted(root):
    write(root, "a", SIZE + thing("cat", 0, 0, 9, 9))
    data = read_voc(root, split="train")
    assert data.boxes.tolist() == [[0, 0, 9, 9]]
    assert data.notes[0].startswith("1 box clipped by at most a pixel")


@pytest.mark.parametrize(
    ("corners", "defect"),
    [
        ((9, 1, 3, 5), "without area"),
        ((1, 1, 200, 9), "outside the image"),
        (("nan", 1, 5, 5), "not finite"),
    ],
)
def test_bad_boxes_are_shown_as_written(root, corners, defect):
    write(root, "a", SIZE + thing("cat", 1, 1, 5, 5) + thing("cat", *corners))
    message = refusal(root)
    text = ", ".join(map(str, corners))
    assert f"annotation 2 of image 1 (a.jpg, 100x50) has the box [{text}]" in message
    assert f"(xmin, ymin, xmax, ymax), which is {defect}" in message
    assert read_voc(root, split="train", on_bad_box="drop").annotation_ids.tolist() == [1]


BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<object><name>cat</name></object>", "has an object without bndbox"),
        (f"<object>{BOX}</object>", "has no name in its object"),
        (f"<object><name> </name>{BOX}</object>", "has no name in its object"),
        (thing("cat", 1, 1, "nine", 9), "has 'nine' as bndbox/xmax, which must be a number"),
        (thing("cat", 1, 1, 9, ""), "has no bndbox/ymax in its object"),
        (thing("cat", 1, 1, 9, 9, extra="<difficult>2</difficult>"), "has '2' as difficult"),
        (thing("cow", 1, 1, 9, 9), "of class 'cow'; the classes are cat, dog"),
        ("<size><width>wide</width><height>1</height></size>", "has 'wide' as size/width"),
        ("<size><width>1</width></size>", "has no size/height"),
        ("<object>", "is not usable XML"),
    ],
)
def test_malformed_files_are_named(root, content, problem):
    write(root, "a", (SIZE if "size" not in content else "") + content)
    message = refusal(root, label_map=LabelMap(("cat", "dog"), (1, 2)))
    assert str(root / "Annotations/a.xml") in message
    assert problem in message


BOMB = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY x "lol"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]>
<annotation>&y;</annotation>"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not usable XML"),
        ("hello", "is not usable XML"),
        ("<html></html>", "begins with <html>"),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', "is not usable XML"),
        (BOMB, "defines XML entities, which is refused"),
    ],
)
def test_other_files_are_refused(root, text, problem):
    write(root, "a", SIZE)
    (root / "Annotations/a.xml").write_text(text)
    message = refusal(root)
    assert str(root / "Annotations/a.xml") in message
    assert problem in message


def test_listed_without_an_xml_file(root):
    write(root, "a", SIZE + thing("cat", 1, 1, 9, 9))
    write(root, "b", SIZE)
    (root / "Annotations/b.xml").unlink()
    data = read_voc(root, split="train")
    assert data.file_names.tolist() == ["a.jpg", "b.jpg"]
    assert np.diff(data.offsets).tolist() == [1, 0]
    assert data.notes == ("1 photo without XML, taken to show no objects",)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("\n \n", "lists no images"),
        ("a\na\n", "lists a 2 times"),
        ("../a\n", "'../a' leads out of the image folder"),
        (None, "No list of images at"),
    ],
)
def test_lists(root, lines, problem):
    write(root, "a", SIZE + thing("cat", 1, 1, 9, 9))
    source = root / "ImageSets/Main/train.txt"
    if lines is None:
        source.unlink()
    else:
        source.write_text(lines)
    message = refusal(root)
    assert str(source) in message and problem in message


def test_nothing_to_take_classes_from(root):
    with pytest.raises(InputError, match=r"No XML files in .*Annotations.*data=demo"):
        voc_label_map(root)
    write(root, "a", SIZE)
    with pytest.raises(InputError, match="No objects in the 1 XML files"):
        voc_label_map(root)


def test_missing_image_folder(root):
    write(root, "a", SIZE + thing("cat", 1, 1, 9, 9))
    (root / "JPEGImages/a.jpg").unlink()
    (root / "JPEGImages").rmdir()
    assert str(root / "JPEGImages") in refusal(root)


def test_unknown_policy(root):
    assert "error or drop or clip" in refusal(root, on_bad_box="ignore")


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ("train val trainval test", ("trainval", "test")),
        ("train val test", ("train", "test")),
        ("train val trainval", ("train", "val")),
        ("train val cat_train", ("train", "val")),
        ("default cat_default", ("default", None)),
        ("train", ("train", None)),
        ("test", (None, "test")),
        ("a b", (None, None)),
    ],
)
def test_splits(root, lists, expected):
    for name in lists.split():
        (root / "ImageSets/Main" / f"{name}.txt").touch()
    assert voc_splits(voc_lists(root)) == expected


@pytest.mark.parametrize(
    "line", ["a", "a  1", "a -1", "a.jpg", "a.jpg 0", "JPEGImages/a.jpg", "x/JPEGImages/a"]
)
def test_lines_of_lists(root, line):
    write(root, "a", SIZE + thing("cat", 1, 1, 9, 9))
    (root / "ImageSets/Main/train.txt").write_text(f"{line}\n")
    data = read_voc(root, split="train")
    assert data.file_names.tolist() == ["a.jpg"] and len(data.boxes) == 1 and not data.notes
