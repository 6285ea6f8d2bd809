"""Photos as phones, cameras and other programs leave them."""

import logging
import sys
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.common.images import decoding, notes
from tasks.common.images.decoding import check_image, image_size, read_image
from tasks.common.images.finding import find_photos, list_images
from tests.tasks.common.images.test_decoding import photo

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
KINDS = {  # what is written under a name
    "a.jfif": "JPEG",
    "a.jpe": "JPEG",
    "a.JPG": "JPEG",
    "a.jp2": "JPEG2000",
    "a.avif": "AVIF",
    "a.webp": "WEBP",
    "noext": "PNG",
    "jpeg": "JPEG",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_what_phones_and_cameras_write_is_found_and_read(tmp_path: Path, name: str, kind: str):
    photo().save(tmp_path / name, kind)
    assert list_images(tmp_path) == [tmp_path / name]
    pixels, size = read_image(tmp_path / name)
    assert size == check_image(tmp_path / name) == image_size(tmp_path / name) == (96, 64)
    assert np.abs(pixels.astype(int) - np.asarray(photo())).mean() < 6


def test_what_is_no_photo_is_counted_by_kind(tmp_path: Path):
    for name in ("a.png", "in/b.png", "in/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        photo().save(tmp_path / name, "PNG")
    for name in ("n.txt", "m.TXT", "in/Thumbs.db", ".DS_Store", "LICENSE", "clip.mp4"):
        (tmp_path / name).write_text("BM or no photo")
    (tmp_path / "lost.jpg").symlink_to("nowhere.jpg")
    found = find_photos(tmp_path)
    assert [path.name for path in found.photos] == ["a.png", "b.png", "c"]
    assert found.root == tmp_path and not found.films
    (line,) = found.left_out()
    assert line.startswith("7 of 10 files are no photos: 2 .txt, ")
    for kind in ("1 .db", "1 hidden", "1 without suffix", "1 links to nothing", "1 .mp4"):
        assert kind in line
    with_films = find_photos(tmp_path, films=True)
    assert with_films.films == [str(tmp_path / "clip.mp4")]
    assert with_films.left_out()[0].startswith("6 of 10 files")
    assert not find_photos(tmp_path / "a.png").left_out()


def test_photos_come_folder_by_folder_as_paths_sort(tmp_path: Path):
    for name in ("a-b/x.png", "a/x.png", "a/b/x.png", "a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        photo().save(tmp_path / name)
    photos = find_photos(tmp_path).photos
    assert list(photos) == sorted(photos) == list_images(tmp_path)
    assert photos[0] == photos[:1][0]


@pytest.mark.parametrize("name", ["p.heic", "called.jpg"])
def test_heic_names_what_it_needs(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / name).write_bytes(HEIC)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for function in (read_image, check_image, image_size):
        with pytest.raises(InputError, match=f"{name} is a HEIC.*pip install pillow-heif"):
            function(tmp_path / name)


def test_heic_is_read(tmp_path: Path):
    pillow_heif.register_heif_opener()
    halves = np.zeros((60, 80, 3), np.uint8)
    halves[:, 40:] = 200
    Image.fromarray(halves).save(tmp_path / "p.heic", quality=95)
    read = read_image(tmp_path / "p.heic")
    assert read.size == (80, 60) == image_size(tmp_path / "p.heic")
    assert np.abs(read.pixels.astype(int) - halves).mean() < 2


@pytest.mark.parametrize(
    ("largest", "white", "said"),
    [(4095, 4095, "12"), (4000, 4095, "12"), (8191, 8191, "13"), (9000, 65535, None)],
)
@pytest.mark.parametrize("name", ["grey.png", "grey.tif", "colours.png", "colours.tif"])
def test_few_bits_of_sixteen_are_scaled_and_said(
    tmp_path: Path, name: str, largest: int, white: int, said: str | None, caplog, monkeypatch
):
    monkeypatch.setattr(notes, "_said", set())
    ramp = np.linspace(0, largest, 64, dtype=np.uint16).reshape(8, 8)
    deep = np.stack([ramp, ramp.T, ramp[::-1]], axis=2)
    cv2.imwrite(str(tmp_path / name), ramp if "grey" in name else deep[..., ::-1])
    with caplog.at_level(logging.WARNING):
        pixels = read_image(tmp_path / name).pixels.astype(int)
    expected = np.repeat(ramp[..., None], 3, axis=2) if "grey" in name else deep
    assert np.abs(pixels - expected * (255 / white)).max() <= 1
    assert bool(caplog.records) == bool(said)
    if said:
        assert name in caplog.text and f"{said} are in use" in caplog.text


def test_a_tiff_of_many_bands_is_named_for_them(tmp_path: Path):
    assert cv2.imwrite(str(tmp_path / "a.tif"), np.zeros((8, 8, 4), np.uint16))
    content = (tmp_path / "a.tif").read_bytes()
    where = content.index(b"\x15\x01\x03\0\x01\0\0\0\x04")  # the tag of samples per pixel
    (tmp_path / "five.tif").write_bytes(content[: where + 8] + b"\x05" + content[where + 9 :])
    with pytest.raises(InputError, match=r"five\.tif has 5 bands of 16 bits; a photo has 1, 3"):
        read_image(tmp_path / "five.tif")


@pytest.mark.parametrize("settings", [{"huge_reduced": True}, {"min_side": 60}])
@pytest.mark.parametrize("tail", [b"", b"a camera's own data"])
def test_a_huge_jpeg_is_read_at_half_its_size(
    tmp_path: Path, tail: bytes, settings: dict[str, int], monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "a.jpg"
    photo().save(path, quality=95)
    path.write_bytes(path.read_bytes() + tail)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 6000)
    monkeypatch.setattr(decoding, "MAX_PIXELS_OF_JPEG", 24_000)
    pixels, size = read_image(path, **settings)
    assert size == check_image(path) == (96, 64) and pixels.shape == (32, 48, 3)
    assert np.abs(pixels.astype(int) - np.asarray(photo().reduce(2))).mean() < 3
    monkeypatch.setattr(decoding, "MAX_PIXELS_OF_JPEG", 6100)
    with pytest.raises(InputError, match="96x64, 0 megapixels; the limit"):
        read_image(path, **settings)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP"])
def test_of_several_frames_the_first_is_read_and_that_is_said_once(
    tmp_path: Path, kind: str, caplog, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(notes, "_said", set())
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    path = tmp_path / f"a.{kind.lower()}"
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], lossless=True)
    for _ in range(2):
        assert (read_image(path).pixels == [255, 0, 0]).all()
    (said,) = caplog.messages
    assert path.name in said and "several frames or pages: the first is read" in said
