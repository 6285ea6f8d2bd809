"""Photos as Python has them: paths, PIL images, arrays and tensors."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from PIL import Image, ImageOps

from backbone.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any  # nobody has a tensor who has not imported torch

Photo = str | Path | Image.Image | np.ndarray | Tensor

ALLOWED = (
    "a path, a PIL image, an array (H, W, 3) or a tensor (3, H, W) is needed, of uint8 or of "
    "numbers from 0 to 1"
)


@contextlib.contextmanager
def as_files(photos: Sequence[Photo]) -> Iterator[list[Path]]:
    """A file for each photo: its own, or one without loss for the time being.

    All that looks at photos reads files, so that a photo is seen in one way wherever it is from.

    Raises:
        InputError: If one is no photo.
    """
    with tempfile.TemporaryDirectory(prefix="photos") as folder:
        yield [_file(photo, Path(folder) / f"{i}.bmp") for i, photo in enumerate(photos)]


def _file(photo: Photo, path: Path) -> Path:
    if isinstance(photo, str | Path):
        return Path(photo)
    image = as_image(photo)
    # which is written and read fastest; what it has no room for is written as PNG
    path = path if image.mode in ("RGB", "L") else path.with_suffix(".png")
    image.save(path, compress_level=1)
    return path


def as_image(photo: Image.Image | np.ndarray | Tensor) -> Image.Image:
    """A photo in memory as an upright PIL image.

    Args:
        photo: A PIL image, whose Exif orientation holds; or RGB or grey values, ``uint8`` or from 0
            to 1, of shape ``(H, W, 3)``, ``(H, W, 1)`` or ``(H, W)``; a tensor has ``(3, H, W)``.

    Raises:
        InputError: If it is anything else.

    >>> as_image(np.zeros((20, 30, 3))).size
    (30, 20)
    >>> as_image(np.zeros((3, 20, 30)))
    Traceback (most recent call last):
    backbone.errors.InputError: an array of float64 (3, 20, 30): a path, a PIL image, an array \
(H, W, 3) or a tensor (3, H, W) is needed, of uint8 or of numbers from 0 to 1
    """
    if isinstance(photo, Image.Image):
        return ImageOps.exif_transpose(photo)
    if _is_tensor(photo):
        values = photo.detach().cpu().float() if photo.is_floating_point() else photo.cpu()
        pixels, kind = values.numpy(), "a tensor"
        pixels = np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 else pixels
    elif isinstance(photo, np.ndarray):
        pixels, kind = photo, "an array"
    else:
        raise InputError(f"{type(photo).__name__}: {ALLOWED}")
    said = f"{kind} of {str(photo.dtype).removeprefix('torch.')} {tuple(photo.shape)}"
    if not _is_picture(pixels):
        raise InputError(f"{said}: {ALLOWED}")
    if pixels.dtype != np.uint8:
        if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
            raise InputError(f"{said}, from {pixels.min():g} to {pixels.max():g}: {ALLOWED}")
        pixels = np.rint(pixels * 255).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return Image.fromarray(np.ascontiguousarray(pixels))


def _is_tensor(photo: Any) -> TypeGuard[Tensor]:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(photo, torch.Tensor)


def _is_picture(pixels: np.ndarray) -> bool:
    """Whether an array has the shape and the kind of numbers of RGB or grey pixels."""
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3))
    numbers = pixels.dtype == np.uint8 or np.issubdtype(pixels.dtype, np.floating)
    return shaped and numbers and pixels.size > 0
