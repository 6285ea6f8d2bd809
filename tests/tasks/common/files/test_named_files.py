import unicodedata

import pytest

from tasks.common.files.named_files import NamedFiles

IN_PARTS = unicodedata.normalize("NFD", "café.jpg")


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "photos"
    for name in ("a/one.jpg", "a/twice.jpg", "b/twice.jpg", "IMG_1.JPG", IN_PARTS, "up.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "outside.jpg").touch()
    return NamedFiles(folder, lambda root: (p for p in sorted(root.rglob("*")) if p.is_file()))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a/one.jpg", "a/one.jpg"),
        ("a\\one.jpg", "a/one.jpg"),
        (unicodedata.normalize("NFC", IN_PARTS), IN_PARTS),
        ("img_1.jpg", "IMG_1.JPG"),
        ("one.jpg", "a/one.jpg"),
        ("C:\\work\\images\\one.jpg", "a/one.jpg"),
        ("/data/upload/1/0cdab892-up.jpg", "up.jpg"),
        ("..\\..\\upload\\4\\0cdab892-up.jpg", "up.jpg"),
        ("/data/local-files/?d=a/one.jpg", "a/one.jpg"),
        ("http://localhost:8080/data/up.jpg?token=1", "up.jpg"),
        ("a/twice.jpg", "a/twice.jpg"),
        ("c/twice.jpg", None),
        ("../outside.jpg", None),
        ("", None),
    ],
)
def test_files_are_found_by_other_names(files, name, place):
    assert files.find(name) == place
    right = place is None or name == place
    assert len(files.notes) == (0 if right else 1)


def test_notes_count_and_give_an_example(files):
    for name in ("a\\one.jpg", "b\\twice.jpg", "img_1.jpg"):
        files.find(name)
    assert files.notes == [
        r"2 files found with other separators: a\one.jpg is a/one.jpg",
        "1 file found in other capitals: img_1.jpg is IMG_1.JPG",
    ]
