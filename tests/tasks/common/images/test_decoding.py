"""Image files of every kind, whole and broken."""

import io
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from backbone.errors import InputError
from tasks.common.images import decoding
from tasks.common.images.decoding import check_image, read_image


def photo(width: int = 96, height: int = 64) -> Image.Image:
    """A smooth picture without symmetry, so that JPEG keeps it and every turn shows."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    channels = np.stack([255 * x, 255 * y, 255 * (x * y) ** 2], axis=-1)
    return Image.fromarray(channels.astype(np.uint8))


def saved(path: Path, image: Image.Image | None = None, **options: object) -> Path:
    (image or photo()).save(path, **options)
    return path


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    photo().save(buffer, kind, **options)
    return buffer.getvalue()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[decoding.ORIENTATION_TAG] = orientation
    return exif


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "gif", "ppm", "webp", "tif"])
def test_every_format_is_read_as_pillow_reads_it(tmp_path, suffix):
    path = saved(tmp_path / f"a.{suffix}")
    decoded = read_image(path)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.size == check_image(path) == (96, 64)
    expected = np.asarray(Image.open(path).convert("RGB"), int)
    assert np.abs(decoded.pixels - expected).max() <= 2
    decoded.pixels[0, 0] = 0  # writable


@pytest.mark.parametrize("min_side", [None, 16])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_agree_with_pillow(tmp_path, orientation, suffix, min_side):
    path = saved(tmp_path / f"a.{suffix}", exif=with_orientation(orientation), quality=95)
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    pixels, size = read_image(path, min_side=min_side)
    assert size == check_image(path) == upright.size
    reduced = suffix == "jpg" and min_side == 16
    shape = (size[0] // 4, size[1] // 4) if reduced else size
    assert pixels.shape[1::-1] == shape
    difference = np.abs(pixels - np.asarray(upright.resize(shape, Image.Resampling.BOX), int))
    assert difference.mean() < 2


def test_tiff_is_turned_only_once(tmp_path):
    exif = with_orientation(6)
    exif[700] = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
        xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""
    path = saved(tmp_path / "a.tif", exif=exif)
    upright = np.asarray(photo().transpose(Image.Transpose.ROTATE_270))
    assert (read_image(path).pixels == upright).all()
    assert check_image(path) == (64, 96)


def test_orientation_outside_the_standard_is_ignored(tmp_path):
    assert read_image(saved(tmp_path / "a.jpg", exif=with_orientation(9))).size == (96, 64)


@pytest.mark.parametrize(
    ("size", "min_side", "expected"),
    [
        ((640, 480), 480, (640, 480)),
        ((640, 480), 241, (640, 480)),
        ((640, 480), 240, (320, 240)),
        ((640, 480), 1, (80, 60)),
        ((1, 5000), 1, (1, 5000)),
        ((5000, 1), 1, (5000, 1)),
        ((5, 3000), 2, (3, 1500)),
        ((1, 1), 300, (1, 1)),
    ],
)
def test_reduced_decoding_keeps_the_smallest_side(tmp_path, size, min_side, expected):
    pixels, full = read_image(saved(tmp_path / "a.jpg", photo(*size)), min_side=min_side)
    assert (pixels.shape[1], pixels.shape[0]) == expected
    assert full == size


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000)])
def test_thin_images(tmp_path, size, suffix):
    path = saved(tmp_path / f"a.{suffix}", photo(*size))
    assert read_image(path).pixels.shape == (size[1], size[0], 3)
    assert check_image(path) == size


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_grayscale(tmp_path, suffix):
    pixels = read_image(saved(tmp_path / f"a.{suffix}", Image.new("L", (8, 8), 77))).pixels
    assert (pixels == 77).all() and pixels.shape == (8, 8, 3)


def test_cmyk(tmp_path):
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    assert read_image(saved(tmp_path / "a.jpg", cyan)).pixels[4, 4] == pytest.approx(
        [0, 255, 255], abs=3
    )


def test_sixteen_bits_are_scaled(tmp_path):
    values = np.array([[0, 200, 257, 32768, 65535]], np.uint16)
    pixels = read_image(saved(tmp_path / "a.png", Image.fromarray(values))).pixels
    assert pixels[0, :, 0].tolist() == [0, 1, 1, 128, 255]
    assert (pixels == pixels[..., :1]).all()


@pytest.mark.parametrize("values", [np.full((2, 2), 0.5, np.float32), np.full((2, 2), 70000)])
def test_more_than_sixteen_bits_are_refused(tmp_path, values):
    values = values.astype(np.int32) if values.dtype == int else values
    path = saved(tmp_path / "deep.tif", Image.fromarray(values))
    with pytest.raises(InputError, match=r"deep\.tif.* 16"):
        read_image(path)


def test_alpha_is_laid_over_white(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = [0, 51, 255]
    result = read_image(saved(tmp_path / "a.png", Image.fromarray(pixels))).pixels
    assert result[0, :, 0].tolist() == [255, 204, 0]


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    result = read_image(saved(tmp_path / "a.png", image, transparency=0)).pixels
    assert result.tolist() == [[[255, 255, 255], [0, 0, 255]]]


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_animation_gives_its_first_frame(tmp_path, suffix):
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", red, save_all=True, append_images=[blue], **options)
    assert Image.open(path).n_frames == 2
    assert (read_image(path).pixels == [255, 0, 0]).all()


@pytest.mark.parametrize("cut", [1, 2, 20, 500])
@pytest.mark.parametrize("progressive", [False, True])
def test_truncated_jpeg_is_refused(tmp_path, cut, progressive):
    data = encoded("JPEG", quality=95, progressive=progressive)
    path = written(tmp_path / "cut.jpg", data[:-cut])
    for function in (read_image, check_image):
        with pytest.raises(InputError, match=r"cut\.jpg cannot be decoded.*truncated"):
            function(path)


def test_truncated_jpeg_is_kept_from_opencv(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: np.zeros((64, 96, 3), np.uint8))
    assert not read_image(saved(tmp_path / "whole.jpg")).pixels.any()
    with pytest.raises(InputError, match="truncated"):
        read_image(written(tmp_path / "cut.jpg", encoded("JPEG")[:-20]))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("part", [0.05, 0.5])
def test_half_a_file_is_refused(tmp_path, kind, part):
    data = encoded(kind)
    path = written(tmp_path / "half.img", data[: int(len(data) * part)])
    for function in (read_image, check_image):
        with pytest.raises(InputError, match=r"half\.img .*(truncated|cut short)"):
            function(path)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "PPM"])
def test_half_a_file_of_a_rarer_format_is_refused_when_read(tmp_path, kind):
    data = encoded(kind)
    path = written(tmp_path / "half.img", data[: len(data) // 2])
    with pytest.raises(InputError, match=r"half\.img .*(truncated|cut short)"):
        read_image(path)


@pytest.mark.parametrize("tail", [b"\0" * 600, b"\0" * 9000, b"a camera's own data"])
def test_jpeg_with_something_after_its_end_is_whole(tmp_path, tail):
    path = written(tmp_path / "a.jpg", encoded("JPEG") + tail)
    assert check_image(path) == read_image(path).size == (96, 64)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
        (b"\n<html>", "an HTML page"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"not found", "begins with the text 'not found'"),
        (b"\x00\x01\x02\xff", "begins with the bytes 00 01 02 ff"),
        (b"\xff\xd8\xff", "begins like a JPEG image but"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not an image"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path, content, problem):
    path = written(tmp_path / "photo.jpg", content)
    for function in (read_image, check_image):
        with pytest.raises(InputError, match=rf"photo\.jpg .*{problem}"):
            function(path)


def test_missing_file_and_folder(tmp_path):
    for function in (read_image, check_image):
        with pytest.raises(InputError, match=r"No image file at .*gone\.jpg"):
            function(tmp_path / "gone.jpg")
        with pytest.raises(InputError, match=f"{tmp_path} is a folder"):
            function(tmp_path)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + checksum

    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    header = chunk(b"IHDR", sides + b"\x08\x02\0\0\0")
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_001, 20_000, 60_000])
def test_huge_image_is_refused_from_its_header_without_a_warning(tmp_path, side):
    path = written(tmp_path / "bomb.png", png_claiming(side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (read_image, check_image):
            with pytest.raises(InputError, match=rf"bomb\.png is {side}x{side}.*limit is 100"):
                function(path)


def test_image_at_the_limit_passes_without_a_warning(tmp_path):
    path = written(tmp_path / "large.png", png_claiming(10_000, 10_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_image(path) == (10_000, 10_000)
