"""Copies of photos: right, fresh, whole, and shared."""

import multiprocessing
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.common.images.decoding import read_image
from tasks.common.images.packed import SmallCopy
from tasks.common.images.small_copies import SmallCopies

SIDE = 32


def write_photo(path: Path, *, seed: int = 0, size: tuple[int, int] = (96, 64)) -> Path:
    """A smooth photo, of which no two seeds are alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    Image.fromarray(pixels).save(path, quality=95)
    return path


def counts(copies: SmallCopies) -> list[int]:
    """Copies made, made anew, found and not needed."""
    return [int(word) for word in copies.report_line().rpartition(":")[2].split() if word.isdigit()]


def shows(copy: Path | SmallCopy, photo: Path) -> bool:
    """Whether a copy is what its photo would be, reduced."""
    whole = read_image(photo).pixels
    copied = read_image(copy).pixels
    expected = cv2.resize(whole, copied.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(copied.astype(int) - expected).mean()) < 4


def test_a_copy_is_the_photo_reduced_and_found_again(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.jpg")
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    copy = copies.file_for(photo)
    pixels, size = read_image(copy)
    assert pixels.shape == (32, 48, 3) and shows(copy, photo)
    assert size == (96, 64)  # of the photo, in whose pixels places are given
    written = copy.path.stat()
    again = SmallCopies(tmp_path / "cache", side=SIDE)
    assert again.file_for(photo) == copy and copy.path.stat() == written
    assert (counts(copies), counts(again)) == ([1, 0, 0, 0], [0, 0, 1, 0])


def test_a_copy_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    write_photo(tmp_path / "photo.jpg")
    lying = Image.open(tmp_path / "photo.jpg")
    lying.save(tmp_path / "lying.jpg", exif=exif)
    copy = SmallCopies(tmp_path / "cache", side=SIDE).file_for(tmp_path / "lying.jpg")
    pixels, size = read_image(copy)
    assert pixels.shape == (48, 32, 3) and size == (64, 96)
    assert shows(copy, tmp_path / "lying.jpg")


def test_a_photo_as_small_is_read_itself(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.png", size=(500, SIDE))
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    assert [copies.file_for(photo) for _ in range(2)] == [photo, photo]
    assert counts(copies) == [0, 0, 0, 2]
    write_photo(photo)  # and no longer when it has grown
    assert shows(copies.file_for(photo), photo)


def test_a_photo_that_changes_is_copied_anew(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.bmp")  # whose size in bytes says nothing
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    copies.file_for(photo)
    before = photo.stat()
    write_photo(photo, seed=1)
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert photo.stat().st_size == before.st_size
    assert shows(copies.file_for(photo), photo)
    write_photo(photo, seed=2, size=(97, 64))
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert shows(copies.file_for(photo), photo)
    assert counts(copies) == [1, 2, 0, 0]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "stamp", "no file"])
def test_a_damaged_copy_is_made_anew(tmp_path: Path, damage: str) -> None:
    photo = write_photo(tmp_path / "photo.jpg")
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    copy = copies.file_for(photo)
    good = copy.path.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    bad = {
        "cut": good[: len(good) // 2],
        "flipped": bytes(flipped),
        "empty": b"",
        "foreign": b"<html>" * 50,
        "stamp": good[:26],
    }
    if damage == "no file":
        copy.path.unlink()
    else:
        copy.path.write_bytes(bad[damage])
    assert copies.file_for(photo) == copy and copy.path.read_bytes() == good


def test_equal_names_and_other_sides_are_told_apart(tmp_path: Path) -> None:
    photos = [write_photo(tmp_path / name / "0.jpg", seed=ord(name)) for name in "ab"]
    made = [SmallCopies(tmp_path / "cache", side=side) for side in (16, 32)]
    for _ in range(2):
        for copies in made:
            for photo in photos:
                copy = copies.file_for(photo)
                assert min(read_image(copy).pixels.shape[:2]) == copies.side and shows(copy, photo)


def test_relative_and_absolute_paths_are_one_photo(tmp_path: Path, monkeypatch) -> None:
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    copy = copies.file_for(write_photo(tmp_path / "photo.jpg"))
    monkeypatch.chdir(tmp_path)
    assert copies.file_for(Path("photo.jpg")) == copy


def copy_all(copies: SmallCopies, photos: list[Path]) -> None:
    for photo in photos * 3:
        assert shows(copies.file_for(photo), photo)


def test_processes_share_a_folder(tmp_path: Path) -> None:
    photos = [write_photo(tmp_path / f"{number}.jpg", seed=number) for number in range(12)]
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=copy_all, args=(copies, photos)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    made, anew, found, _ = counts(copies)
    assert made >= 12 and anew == 0 and made + found == 4 * 36
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) == 12  # no unfinished ones are left


@contextmanager
def files_of_at_most(num_bytes: int) -> Iterator[None]:
    """Writing more fails, as on a full disk."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.jpg")
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    with files_of_at_most(100), pytest.raises(InputError, match=r"data\.cache=.*cache: .*room"):
        copies.file_for(photo)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert shows(copies.file_for(photo), photo)


def test_a_photo_that_cannot_be_read_is_refused_as_ever(tmp_path: Path) -> None:
    copies = SmallCopies(tmp_path / "cache", side=SIDE)
    (tmp_path / "torn.jpg").write_bytes(write_photo(tmp_path / "photo.jpg").read_bytes()[:-30])
    with pytest.raises(InputError, match=r"torn\.jpg"):
        copies.file_for(tmp_path / "torn.jpg")
    missing = tmp_path / "missing.jpg"
    assert copies.file_for(missing) == missing
