"""Checks and decodes image files: every picture enters through here."""

import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from backbone.errors import InputError
from tasks.common.images.depths import many_bands, sixteen_bits, to_eight_bits
from tasks.common.images.notes import note_once
from tasks.common.images.packed import PackedImage, SmallCopy
from tasks.common.images.signatures import ENOUGH, HEIC, diagnosis, image_kind

MAX_PIXELS = 100_000_000
MAX_PIXELS_OF_JPEG = 4 * MAX_PIXELS  # phones have 108 and 200 megapixels; read at half their size
MAX_BYTES = 8 * MAX_PIXELS + 2**20  # four channels of 16 bits, uncompressed, and a header
# Pillow's own limit warns, which is neither an error nor safe to catch in threads. Ours replaces
# it, on every header and before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "WEBP", "TIFF", "JPEG2000", "AVIF")
IN_FRAMES = ("GIF", "TIFF", "WEBP", "PNG", "AVIF")  # a JPEG may carry a second, of its depth
HEIC_NEEDED = "is a HEIC image, which is read with pillow-heif: pip install pillow-heif"

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
    path: ImageFile,
    *,
    min_side: int | None = None,
    max_shrink: float = 1,
    huge_reduced: bool = False,
) -> DecodedImage:
    """Decodes an image file to upright RGB.

    Sixteen bits are scaled to eight, transparency is laid over white, of several frames or pages
    the first is read. A file that ends early is refused: decoders would fill the rest with grey.
    Damage inside a complete JPEG is concealed by the decoder and goes unseen.

    Args:
        path: The file, in any of ``FORMATS``, or HEIC; of a small copy the size is the photo's.
        min_side: Allows a JPEG to be decoded at 1/2, 1/4 or 1/8 of its size, which is faster, as
            long as both sides keep this many pixels. Other formats are never reduced.
        max_shrink: Allows the same as long as the size is divided by no more than this.
        huge_reduced: Allows the same of a JPEG over ``MAX_PIXELS``, as the two above do.

    Raises:
        InputError: If the file is missing, not an image, cut short or over ``MAX_PIXELS``.
    """
    with _open(path) as file:
        data = file.read(MAX_BYTES)
    image = _read_header(BytesIO(data), path)
    orientation = orientation_of(image)
    size = path.size if isinstance(path, SmallCopy) else _upright_size(image, orientation)
    pixels = None
    if _is_plain_jpeg(image):
        enough = min(image.size) // min_side if min_side else 1
        largest = max(enough, max_shrink)
        if _is_huge(image) and (huge_reduced or min_side or max_shrink > 1):
            largest = max(largest, 2)
        reduction = next((n for n in (8, 4, 2) if n <= largest), 1)
        if reduction == 1:
            _check_size(image, path, limit=MAX_PIXELS)
        pixels = _decode_jpeg(data, reduction=reduction)
    if pixels is None:
        pixels = _decode(image, path)
    if image.format in IN_FRAMES and getattr(image, "is_animated", False):
        note_once("frames", f"{path} has several frames or pages: the first is read, as of others")
    return DecodedImage(_turn_upright(pixels, orientation), size)


def check_image(path: ImageFile) -> tuple[int, int]:
    """Checks an image file by its first and last bytes, and returns its upright width and height.

    A JPEG, PNG or WebP must also be complete; one whose end looks unusual is decoded to be sure.

    Raises:
        InputError: As ``read_image``.
    """
    with _open(path) as file:
        image = _read_header(file, path)
        size = _upright_size(image, orientation_of(image))
        if not _ends_properly(file, image.format):
            _decode(image, path)
    return size


def image_size(path: ImageFile) -> tuple[int, int]:
    """The upright width and height of an image, by its header alone.

    Raises:
        InputError: If it is missing, not an image or over ``MAX_PIXELS``.
    """
    with _open(path) as file:
        image = _read_header(file, path)
        return _upright_size(image, orientation_of(image))


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
        image = open_image(file, path)
    except UnidentifiedImageError as error:
        file.seek(0)
        problem = many_bands(file) or diagnosis(file.read(ENOUGH))
        raise InputError(f"{path} {problem}") from error
    except InputError:
        raise
    except Exception as error:  # Pillow lets out whatever a damaged header made its parser do
        raise InputError(f"{path} is damaged or cut short: {error}") from error
    _check_size(image, path, limit=MAX_PIXELS_OF_JPEG if _is_plain_jpeg(image) else MAX_PIXELS)
    return image


def open_image(file: BinaryIO, path: ImageFile) -> Image.Image:
    """Opens with Pillow; HEIC by its plugin.

    Raises:
        InputError: If that is not installed; and whatever Pillow raises.
    """
    head = file.read(ENOUGH)
    file.seek(0)
    if image_kind(head) != HEIC:
        return Image.open(file, formats=FORMATS)
    try:
        import pillow_heif  # an extra: its library has a licence of its own
    except ImportError as error:
        raise InputError(f"{path} {HEIC_NEEDED}") from error
    pillow_heif.register_heif_opener()
    return Image.open(file, formats=("HEIF",))


def _check_size(image: Image.Image, path: ImageFile, *, limit: int) -> None:
    width, height = image.size
    if width * height > limit:
        raise InputError(
            f"{path} is {width}x{height}, {width * height / 1e6:.0f} megapixels; the limit is "
            f"{limit / 1e6:.0f}. Make the image smaller"
        )


def _is_huge(image: Image.Image) -> bool:
    return image.size[0] * image.size[1] > MAX_PIXELS


def orientation_of(image: Image.Image) -> int:
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
        return _to_rgb(image, path)
    except Exception as error:  # Pillow lets out whatever damaged data made its parser do
        raise InputError(f"{path} cannot be decoded: {error}") from error


def _to_rgb(image: Image.Image, path: ImageFile) -> np.ndarray:
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        return np.repeat(to_eight_bits(np.asarray(image), name=path)[..., None], 3, axis=2)
    if _is_huge(image):
        image.draft(None, (image.size[0] // 2, image.size[1] // 2))
    elif (deep := sixteen_bits(image)) is not None:
        return to_eight_bits(deep, name=path)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _ends_properly(file: BinaryIO, kind: str | None) -> bool:
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - TAIL_BYTES))
    tail = file.read()
    if kind in ("JPEG", "MPO"):
        return tail.rstrip(b"\0").endswith(JPEG_END)
    if kind == "PNG":
        return tail.endswith(PNG_END)
    return True  # a WebP is read whole with its header; the rest have no end to look for
