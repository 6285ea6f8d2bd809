"""Names and scores written on photos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LINE = 0.065  # height of a line, as a share of the photo's
MIN_LINE_PX = 12


def write_labels(pixels: np.ndarray, labels: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Writes names and scores on a photo, a line each, from the top left.

    Args:
        pixels: RGB, uint8, shape ``(H, W, 3)``; left as it is.
        labels: With ``name`` and, if it is no truth, ``score``.
    """
    photo = Image.fromarray(pixels)
    line = max(round(LINE * photo.height), MIN_LINE_PX)
    font = ImageFont.load_default(0.8 * line)
    draw = ImageDraw.Draw(photo, "RGBA")
    for number, row in enumerate(labels):
        score = f"{row['score']:6.1%} " if "score" in row else ""
        place = (line // 4, number * line)
        draw.rectangle(draw.textbbox(place, score + row["name"], font=font), fill=(0, 0, 0, 140))
        draw.text(place, score + row["name"], font=font, fill="white")
    return np.array(photo)
