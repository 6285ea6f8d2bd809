"""Finds, checks and decodes image files: every picture enters through here."""

import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from backbone.errors import InputError
from tasks.common.images.packed import PackedImage, SmallCopy

MAX_PIXELS = 100_000_000
MAX_BYTES = 8 * MAX_PIXELS + 2**20  # four channels of 16 bits, uncompressed, and a header
# Pillow's own limit warns, which is neither an error nor safe to catch in threads. Ours replaces
# it, on every header and before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "WEBP", "TIFF")

# What a file begins with, for telling a broken image from something else.
SIGNATURES = {
    b"\xff\xd8": "a JPEG image",
    b"\x89PNG": "a PNG image",
    b"RIFF": "a WebP image",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
}
OTHER_FILES = {
    b"<!doctype html": "an HTML page, as a failed download leaves",
    b"<html": "an HTML page, as a failed download leaves",
    b"%pdf": "a PDF document",
    b"pk\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a Git LFS pointer, whose content was not fetched",
}

JPEG_END = b"\xff\xd9"
PNG_END = b"IEND\xaeB`\x82"
TAIL_BYTES = 4096  # some cameras pad a JPEG to whole disk blocks

ORIENTATION_TAG = 0x0112
# Orientation -> what turns the stored pixels upright: transpose, then flip rows, flip columns.
UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
# OpenCV's flags for decoding at 1/n. Its COLOR is BGR, so RGB is joined to the GRAYSCALE ones.
REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    1: cv2.IMREAD_GRAYSCALE,
}

ImageFile = str | Path | PackedImage | SmallCopy


class DecodedImage(NamedTuple):
    """An upright picture.

    Attributes:
        pixels: RGB, uint8, shape ``(height, width, 3)``; smaller than ``size`` if it was reduced.
        size: Width and height of the whole image, upright.
    """

    pixels: np.ndarray
    size: tuple[int, int]


def read_image(
    path: ImageFile, *, min_side: int | None = None, max_shrink: float = 1
) -> DecodedImage:
    """Decodes an image file to upright RGB.

    Sixteen bits are scaled to eight, transparency is laid over white, an animation gives its first
    frame. A file that ends early is refused: decoders would fill the rest with grey. Damage inside
    a complete JPEG is concealed by the decoder and goes unseen.

    Args:
        path: The file, in any of ``FORMATS``; of a small copy the size is the photo's.
        min_side: Allows a JPEG to be decoded at 1/2, 1/4 or 1/8 of its size, which is faster, as
            long as both sides keep this many pixels. Other formats are never reduced.
        max_shrink: Allows the same as long as the size is divided by no more than this.

    Raises:
        InputError: If the file is missing, not an image, cut short or over ``MAX_PIXELS``.
    """
    with _open(path) as file:
        data = file.read(MAX_BYTES)
    image = _read_header(BytesIO(data), path)
    orientation = _orientation(image)
    pixels = None
    if _is_plain_jpeg(image):
        enough = min(image.size) // min_side if min_side else 1
        largest = max(enough, max_shrink)
        pixels = _decode_jpeg(data, reduction=next((n for n in (8, 4, 2) if n <= largest), 1))
    if pixels is None:
        pixels = _decode(image, path)
    size = path.size if isinstance(path, SmallCopy) else _upright_size(image, orientation)
    return DecodedImage(_turn_upright(pixels, orientation), size)


def check_image(path: ImageFile) -> tuple[int, int]:
    """Checks an image file by its first and last bytes, and returns its upright width and height.

    A JPEG, PNG or WebP must also be complete; one whose end looks unusual is decoded to be sure.

    Raises:
        InputError: As ``read_image``.
    """
    with _open(path) as file:
        image = _read_header(file, path)
        orientation = _orientation(image)
        if not _ends_properly(file, image.format):
            _decode(image, path)
    return _upright_size(image, orientation)


def _open(path: ImageFile) -> BinaryIO:
    if isinstance(path, PackedImage | SmallCopy):
        return BytesIO(path.read())
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        raise InputError(f"No image file at {path}") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not an image file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be opened: {error}") from error


def _read_header(file: BinaryIO, path: ImageFile) -> Image.Image:
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        file.seek(0)
        raise InputError(f"{path} {_diagnosis(file.read(32))}") from error
    except Exception as error:  # Pillow lets out whatever a damaged header made its parser do
        raise InputError(f"{path} is damaged or cut short: {error}") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path} is {width}x{height}, {width * height / 1e6:.0f} megapixels; the limit is "
            f"{MAX_PIXELS / 1e6:.0f}. Make the image smaller"
        )
    return image


def _diagnosis(head: bytes) -> str:
    """Says what a file that is no image begins with."""
    if not head:
        return "is empty"
    for signature, kind in SIGNATURES.items():
        if head.startswith(signature):
            return f"begins like {kind} but is damaged or cut short"
    for signature, kind in OTHER_FILES.items():
        if head.lstrip().lower().startswith(signature):
            return f"is not an image but {kind}"
    if head.isascii() and head.decode("ascii").replace("\n", " ").isprintable():
        return f"is not an image: it begins with the text {head.decode('ascii')!r}"
    return f"is not an image of a known kind: it begins with the bytes {head[:8].hex(' ')}"


def _orientation(image: Image.Image) -> int:
    """The Exif orientation, 1 to 8, where 1 is upright. A TIFF is turned upright by Pillow."""
    if image.format == "TIFF" or not {"exif", "xmp", "XML:com.adobe.xmp"} & image.info.keys():
        return 1
    try:
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
    except (SyntaxError, OSError, ValueError, LookupError):
        return 1  # unreadable metadata does not make the pixels unreadable
    return orientation if orientation in UPRIGHT else 1


def _upright_size(image: Image.Image, orientation: int) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if orientation >= 5 else (width, height)


def _turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation == 1:
        return pixels
    transpose, flip_rows, flip_columns = UPRIGHT[orientation]
    if transpose:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1])


def _is_plain_jpeg(image: Image.Image) -> bool:
    return image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L")


def _decode_jpeg(data: bytes, *, reduction: int) -> np.ndarray | None:
    """Decodes with OpenCV, about twice as fast as Pillow, or declines.

    OpenCV 4 fills what is missing from a file that ends early, so only complete ones are taken.
    """
    if not data.rstrip(b"\0").endswith(JPEG_END):
        return None
    flags = REDUCED[reduction] | cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def _decode(image: Image.Image, path: ImageFile) -> np.ndarray:
    """Decodes with Pillow, which reads every format and refuses files that end early."""
    try:
        return _to_rgb(image)
    except Exception as error:  # Pillow lets out whatever damaged data made its parser do
        raise InputError(f"{path} cannot be decoded: {error}") from error


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        return _sixteen_to_eight_bits(np.asarray(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _sixteen_to_eight_bits(gray: np.ndarray) -> np.ndarray:
    if gray.min() < 0 or gray.max() > 65535:
        raise ValueError("its pixels have more than 16 bits; save it with 8 or 16")
    return np.repeat(((gray.astype(np.uint32) + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)


def _ends_properly(file: BinaryIO, kind: str | None) -> bool:
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - TAIL_BYTES))
    tail = file.read()
    if kind in ("JPEG", "MPO"):
        return tail.rstrip(b"\0").endswith(JPEG_END)
    if kind == "PNG":
        return tail.endswith(PNG_END)
    return True  # a WebP is read whole with its header; the rest have no end to look for
