"""COCO files, whole, repaired and refused."""

import json
from copy import deepcopy

import pytest

from backbone.errors import InputError
from tasks.detection.layouts.coco import read_coco

GOOD = {
    "info": {"year": 2017},
    "images": [
        {"id": 30, "file_name": "c.jpg", "width": 100, "height": 50},
        {"id": 0, "file_name": "sub/a.jpg", "width": 640, "height": 480},
        {"id": 20, "file_name": "empty.jpg", "width": 10, "height": 10},
    ],
    "annotations": [
        {"id": 5, "image_id": 0, "category_id": 9, "bbox": [1, 2, 3, 4], "area": 6, "iscrowd": 0},
        {"id": 6, "image_id": 30, "category_id": 0, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 1},
        {"id": 7, "image_id": 0, "category_id": 4, "bbox": [5.5, 0, 1, 1], "area": 1, "iscrowd": 0},
    ],
    "categories": [
        {"id": 9, "name": "zebra"},
        {"id": 0, "name": "person"},
        {"id": 4, "name": "car"},
    ],
}
MISSING = object()


def edited(path: str, value: object) -> dict:
    """The good file with one value replaced, or taken out: ``annotations.0.bbox``."""
    content = deepcopy(GOOD)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    target = content
    for key in parents:
        target = target[key]
    if value is MISSING:
        del target[last]
    else:
        target[last] = value
    return content


@pytest.fixture
def read(tmp_path):
    """Writes a COCO file, from content or text, and reads it."""

    def write_and_read(content, **options):
        file = tmp_path / "boxes.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_coco(file, tmp_path, **options)

    return write_and_read


def refusal(read, content, **options) -> str:
    with pytest.raises(InputError) as caught:
        read(content, **options)
    assert "boxes.json" in str(caught.value)
    return str(caught.value)


def test_reads_everything(read, tmp_path):
    data = read(GOOD)
    assert data.image_ids.tolist() == [30, 0, 20]
    assert data.file_names.tolist() == ["c.jpg", "sub/a.jpg", "empty.jpg"]
    assert data.sizes.tolist() == [[100, 50], [640, 480], [10, 10]]
    assert data.offsets.tolist() == [0, 1, 3, 3]
    assert data.annotation_ids.tolist() == [6, 5, 7]
    assert data.boxes.tolist() == [[0, 0, 9, 9], [1, 2, 4, 6], [5.5, 0, 6.5, 1]]
    assert data.areas.tolist() == [81, 6, 1]
    assert data.crowd.tolist() == [True, False, False]
    assert data.label_map.ids == (0, 4, 9)
    assert [data.label_map.names[i] for i in data.classes] == ["person", "zebra", "car"]
    assert data.folder == tmp_path
    assert data.notes == ()


def test_missing_crowd_flags_and_areas_are_filled_and_noted(read):
    content = deepcopy(GOOD)
    for entry in content["annotations"]:
        del entry["iscrowd"]
    del content["annotations"][0]["area"]
    content["annotations"][2]["area"] = -1
    data = read(content)
    assert data.crowd.tolist() == [False] * 3
    assert data.areas.tolist() == [81, 12, 1]
    assert [note.split(" in ")[0] for note in data.notes] == [
        "3 crowd flags missing",
        "2 areas missing",
    ]


def test_annotation_id_zero_is_renumbered(read):
    data = read(edited("annotations.0.id", 0))
    assert data.annotation_ids.tolist() == [6, 8, 7]
    assert len(data.notes) == 1 and ": 0 to 8, " in data.notes[0]


def test_no_annotations(read):
    data = read(GOOD | {"annotations": []})
    assert (len(data), len(data.boxes)) == (3, 0)
    assert data.offsets.tolist() == [0, 0, 0, 0]
    assert data.notes[0].startswith("no annotations in ")


def test_crowd_only(read):
    content = deepcopy(GOOD)
    for entry in content["annotations"]:
        entry["iscrowd"] = 1
    data = read(content)
    assert data.crowd.all()
    assert data.notes[0].startswith("only crowd regions in ")


def test_byte_order_mark_is_no_hindrance(read):
    assert len(read("\ufeff" + json.dumps(GOOD))) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("hello", "is not JSON: Expecting value at line 1, column 1; it begins with 'hello'"),
        ("<html></html>", "is not JSON: .*<html>"),
        ('{"images": [], }', "is not JSON: .*line 1, column"),
        (json.dumps(GOOD)[:-1], "is cut short"),
        (json.dumps(GOOD)[:200], "is cut short"),
        (json.dumps(GOOD)[:29], "is cut short"),
        ("[]", "holds JSON of type list"),
        ("3", "holds JSON of type int"),
        ("[" * 100_000, "is not usable JSON"),
        ('{"images": [' + "9" * 5000 + "]}", "is not usable JSON"),
    ],
)
def test_refuses_what_is_not_a_coco_file(read, text, problem):
    with pytest.raises(InputError, match=rf"boxes\.json {problem}"):
        read(text)


def test_refuses_other_encodings(tmp_path):
    (tmp_path / "boxes.json").write_bytes(b"\xff\xfe{\0}\0")
    with pytest.raises(InputError, match=r"boxes\.json cannot be read as text"):
        read_coco(tmp_path / "boxes.json", tmp_path)


@pytest.mark.parametrize("section", ["images", "annotations", "categories"])
def test_refuses_missing_or_odd_sections(read, section):
    assert f"no section '{section}'" in refusal(read, edited(section, MISSING))
    assert f"{section} is a dict, not a list" in refusal(read, GOOD | {section: {}})
    assert f"{section}[1] is 'x', not an" in refusal(read, GOOD | {section: [{}, "x"]})


@pytest.mark.parametrize("section", ["images", "categories"])
def test_refuses_empty_sections(read, section):
    assert f"has no {section}" in refusal(read, GOOD | {section: []})


@pytest.mark.parametrize("value", [True, None, 7.5, [7], MISSING, 10**30])
@pytest.mark.parametrize(
    "place",
    [
        "images.1.id",
        "images.1.width",
        "images.1.height",
        "annotations.1.id",
        "annotations.1.image_id",
        "annotations.1.category_id",
        "categories.1.id",
    ],
)
def test_refuses_what_is_no_whole_number(read, place, value):
    section, index, key = place.split(".")
    if key in ("width", "height") and value in (None, MISSING):
        return  # measured
    message = refusal(read, edited(place, value))
    given = "nothing" if value is MISSING else repr(value)
    assert f"{section}[{index}] (id " in message
    assert f"has {given} as {key}, which must be a whole number" in message


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("images.0.id", 20, "images has the id 20 more than once"),
        ("annotations.0.id", 7, "annotations has the id 7 more than once"),
        ("categories.0.id", 4, "categories has the id 4 more than once"),
        ("categories.0.name", "car", "Class name used more than once: car"),
        ("categories.0.name", 3, "categories[0] (id 9) has the name 3"),
        ("categories.0.name", MISSING, "categories[0] (id 9) has the name None"),
        ("annotations.1.image_id", 99, "annotations[1] (id 6) refers to image_id 99"),
        ("annotations.1.category_id", 5, "annotations[1] (id 6) refers to category_id 5"),
        ("annotations.1.category_id", 10, "annotations[1] (id 6) refers to category_id 10"),
        ("annotations.1.iscrowd", "no", "annotations[1] (id 6) has 'no' as iscrowd"),
        ("images.1.file_name", "../a.jpg", "image 0: the file name '../a.jpg' leads out"),
        ("images.1.file_name", "/a.jpg", "image 0: the file name '/a.jpg' leads out"),
        ("images.1.file_name", MISSING, "image 0: the image's file name is None"),
        ("images.1.height", -1, "images[1] (id 0) has the size 640x-1"),
    ],
)
def test_refuses_contradictions(read, place, value, expected):
    assert expected in refusal(read, edited(place, value))


def test_counts_the_other_dangling_references(read):
    content = edited("annotations.0.image_id", 99)
    content["annotations"][2]["image_id"] = 98
    message = refusal(read, content)
    assert "annotations[0] (id 5) refers to image_id 99" in message
    assert "1 other does likewise" in message


@pytest.mark.parametrize("policy", ["error", "drop", "clip"])
@pytest.mark.parametrize(
    ("box", "defect"),
    [
        (["1", "2", "3", "4"], "not four numbers"),
        ([1, 2, 3], "not four numbers"),
        ([1, 2, True, 4], "not four numbers"),
        ([1, 2, 10**400, 4], "not four numbers"),
        ({}, "not four numbers"),
        (None, "not four numbers"),
        ([1, 2, float("nan"), 4], "not finite"),
        ([1, 2, float("inf"), 4], "not finite"),
        ([float("-inf"), 2, float("inf"), 4], "not finite"),
        ([1, 2, -3, 4], "without area"),
        ([1, 2, 0, 4], "without area"),
        ([700, 2, 3, 4], "outside the image"),
    ],
)
def test_bad_boxes_follow_the_policy(read, box, defect, policy):
    content = edited("annotations.0.bbox", box)
    if policy != "error":
        data = read(content, on_bad_box=policy)
        assert data.annotation_ids.tolist() == [6, 7]
        assert f"1 box dropped, {defect}, in " in data.notes[0]
        assert data.notes[0].endswith(": annotation 5 of image 0")
        return
    message = refusal(read, content)
    assert "annotation 5 of image 0 (sub/a.jpg, 640x480) has the box " in message
    assert f"(x, y, width, height), which is {defect}" in message
    assert box == [1, 2, 10**400, 4] or f"has the box {box} (" in message.replace('"', "'")


def test_box_without_a_key(read):
    assert "has the box None" in refusal(read, edited("annotations.0.bbox", MISSING))


def test_clip_cuts_a_box_to_its_image(read):
    data = read(edited("annotations.0.bbox", [600, -20, 100, 50]), on_bad_box="clip")
    assert data.boxes[1].tolist() == [600, 0, 640, 30]
    assert data.areas[1] == 6
    assert data.notes[0].endswith(": annotation 5 of image 0")


def test_unknown_policy(read):
    with pytest.raises(InputError, match="error or drop or clip"):
        read(GOOD, on_bad_box="ignore")


def test_missing_file_or_folder_shows_both_ways_out(tmp_path):
    with pytest.raises(InputError, match=r"No annotation file at .*gone\.json.*data\.root.*=demo"):
        read_coco(tmp_path / "gone.json", tmp_path)
    with pytest.raises(InputError, match=r"No image folder at .*gone.*data\.root.*data=demo"):
        read_coco(tmp_path / "boxes.json", tmp_path / "gone")
