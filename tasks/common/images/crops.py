"""Which part of a photo the network sees, and the one resize that shows it."""

import math

import numpy as np
from PIL import Image

from tasks.common.images.decoding import DecodedImage, ImageFile, read_image
from tasks.common.images.geometry import Shown, in_size, rectangle_frame

CENTRE = 224 / 256  # share of the short side that the crop shows, as ImageNet is scored
ASPECTS = (3 / 4, 4 / 3)  # width by height of a random part, as in Inception's training


Box = tuple[float, float, float, float]  # left, top, right and bottom, in pixels


def centre_box(width: int, height: int, side: int) -> Box:
    """The part of a photo that ``centre_crop`` shows, in pixels of the photo."""
    scale = side / CENTRE / min(width, height)
    scaled = [max(round(length * scale), side) for length in (width, height)]
    left, right, top, bottom = (
        (whole + sign * side) / 2 // 1 * length / whole
        for whole, length in zip(scaled, (width, height), strict=True)
        for sign in (-1, 1)
    )
    return left, top, right, bottom


def centre_crop(path: ImageFile, side: int) -> Shown:
    """The middle of a photo, ``(side, side, 3)``, after its short side is scaled to 8/7 of it."""
    photo = read_image(path, huge_reduced=True)
    height, width = photo.pixels.shape[:2]
    box = centre_box(width, height, side)
    # The box is in pixels of the photo: scaled as a whole, one that is long and thin would fill the
    # memory. Pillow's filter widens as it shrinks, as in most published evaluations.
    image = Image.fromarray(photo.pixels).resize((side, side), Image.Resampling.BILINEAR, box=box)
    return Shown(np.array(image), _frame(photo, box, side))


def random_crop(path: ImageFile, side: int, *, min_area: float, rng: np.random.Generator) -> Shown:
    """A random part of a photo at network size, ``(side, side, 3)``.

    Args:
        path: Of the photo.
        side: Of the network's input.
        min_area: The least share of the photo's area to show; less where the photo is too narrow.
        rng: The only source of randomness.
    """
    area = rng.uniform(min_area, 1)
    # No side of a part of this area is shorter than this share of the photo's short one.
    photo = read_image(path, min_side=math.ceil(side / math.sqrt(area * ASPECTS[0])))
    aspect = math.exp(rng.uniform(*np.log(ASPECTS)))
    height, width = photo.pixels.shape[:2]
    part = math.sqrt(area * width * height)
    columns = min(max(round(part * math.sqrt(aspect)), 1), width)
    rows = min(max(round(part / math.sqrt(aspect)), 1), height)
    x, y = (int(rng.integers(room + 1)) for room in (width - columns, height - rows))
    image = _resized(photo.pixels[y : y + rows, x : x + columns], side)
    return Shown(image, _frame(photo, (x, y, x + columns, y + rows), side))


def _frame(photo: DecodedImage, box: Box, side: int) -> np.ndarray:
    """The frame of a picture that shows a box, in pixels as the photo was decoded."""
    frame = rectangle_frame(box, (0, 0, side, side))
    return in_size(frame, photo.pixels.shape[1::-1], photo.size)


def _resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """Pixels at network size, by a filter that widens as it shrinks.

    Torch's takes a quarter of the time of OpenCV's ``INTER_AREA`` and of Pillow's, if it is told
    in which order the pixels lie: the batch has to come before its axes are exchanged.
    """
    import torch  # which nothing else here needs
    import torch.nn.functional as F

    image = torch.from_numpy(np.ascontiguousarray(pixels))[None].permute(0, 3, 1, 2)
    resized = F.interpolate(image, (side, side), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()
