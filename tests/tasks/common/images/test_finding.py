"""Photos are found in files, folders and patterns, wherever these lead."""

import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.common.images.finding import find_images


def test_find_images_in_file_folder_and_pattern(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.JPG", "a.png", "sub/c.webp", "notes.txt", "._a.png"):
        (tmp_path / name).touch()
    a, b, c = (tmp_path / name for name in ("a.png", "b.JPG", "sub/c.webp"))
    assert find_images(tmp_path) == [a, b, c]
    assert find_images(str(a)) == [a]
    assert find_images(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    assert find_images(tmp_path / "*") == [a, b]
    assert find_images(tmp_path / "**" / "*.webp") == [c]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", r"No images in the folder .*\.jpg"),
        ("*.png", r"No images match .*\*\.png"),
        ("gone", "No file or folder at .*gone"),
    ],
)
def test_find_images_says_what_was_looked_for(tmp_path, name, message):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=message):
        find_images(tmp_path / name)


def test_hidden_folders_and_those_of_systems_hold_no_photos(tmp_path):
    for name in ("a.png", ".thumbs/b.png", "in/c.png", "in/@eaDir/d.png", "__MACOSX/e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["a.png", "in/c.png"]


def test_links_to_folders_are_followed_and_never_in_a_circle(tmp_path):
    photos, shown = tmp_path / "photos", tmp_path / "shown"
    for folder in (photos, shown):
        folder.mkdir()
    Image.new("RGB", (4, 4)).save(photos / "a.png")
    (shown / "linked").symlink_to(photos, target_is_directory=True)
    (photos / "back").symlink_to(shown, target_is_directory=True)
    found = [path.relative_to(shown).as_posix() for path in find_images(shown)]
    assert found == ["linked/a.png"]
