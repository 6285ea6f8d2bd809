"""Images of more bits than eight, and of more bands than colours."""

from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin

from tasks.common.images.notes import note_once

BITS_PER_SAMPLE, SAMPLES_PER_PIXEL = 258, 277  # tags of TIFF
# Cameras of 12 and 14 bits write files of 16, in which all is nearly black. What is brightest in a
# dark photo of 16 bits is above an eighth of what there is room for.
DEPTHS = (12, 13)
HEADER_OF_TIFF = 8  # bytes


def to_eight_bits(deep: np.ndarray, *, name: object = "an image") -> np.ndarray:
    """Sixteen bits as eight; where an eighth or less of them is in use, twelve or thirteen.

    Args:
        deep: Whole numbers, of any shape.
        name: Of the file, for the log.

    Raises:
        ValueError: If a number needs more than 16 bits.

    >>> to_eight_bits(np.array([0, 257, 65535]))
    array([  0,   1, 255], dtype=uint8)
    """
    if deep.min() < 0 or deep.max() > 65535:
        raise ValueError("its pixels have more than 16 bits; save it with 8 or 16")
    bits = next((bits for bits in DEPTHS if deep.max() < 2**bits), 16)
    if deep.max() < 256:  # eight bits or nothing, as they are
        bits = 8 if deep.max() else 16
    if bits < 16:
        said = f"{name} has 16 bits, of which {bits} are in use: taken for an image of {bits} bits"
        note_once(f"{bits} bits", f"{said}, as others of this kind are")
    largest = 2**bits - 1
    wide = deep.astype(np.uint32) * 255
    return ((wide + largest // 2) // largest).astype(np.uint8)


def sixteen_bits(image: Image.Image) -> np.ndarray | None:
    """The pixels of a colour image of 16 bits that are dark, which Pillow would cut to eight.

    Returns:
        RGB, uint16, ``(H, W, 3)``; None of any other image, and of one that uses its bits.
    """
    kinds = [str(tile.args) for tile in getattr(image, "tile", [])]
    file = getattr(image, "fp", None)
    if image.mode != "RGB" or file is None or not any(";16" in kind for kind in kinds):
        return None
    file.seek(0)
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(file.read(), np.uint8), flags)
    file.seek(0)
    if pixels is None or pixels.dtype != np.uint16 or pixels.shape != (*image.size[::-1], 3):
        return None
    return pixels[..., ::-1] if pixels.max() < 2 ** DEPTHS[-1] else None


def many_bands(file: BinaryIO) -> str | None:
    """What to say of a TIFF with more bands than colours; None of any other file."""
    file.seek(0)
    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(HEADER_OF_TIFF))
        file.seek(directory.next)
        directory.load(file)
        bands, bits = directory.get(SAMPLES_PER_PIXEL, 1), directory.get(BITS_PER_SAMPLE, (8,))
    except Exception:  # it lets out whatever other bytes made it do
        return None
    finally:
        file.seek(0)
    if not isinstance(bands, int) or bands <= 4:
        return None
    return f"has {bands} bands of {bits[0]} bits; a photo has 1, 3 or 4. Save three of them as RGB"
