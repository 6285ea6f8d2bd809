"""A photo's truth beside its prediction, as a picture that can be read at a glance."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tasks.common.images.decoding import DecodedImage
from tasks.common.images.sheets import side_by_side

if TYPE_CHECKING:
    from tasks.common.training.reported import Reported

HEADER = 0.07  # height of a header, as a share of the picture's
MIN_HEADER_PX = 24
MIN_TEXT_PX = 11
CUT = "..."

Colour = tuple[int, int, int]
PLAIN: Colour = (60, 60, 60)
RIGHT: Colour = (0, 120, 60)
WRONG: Colour = (190, 30, 30)


def comparison(
    task: "Reported",
    image: DecodedImage,
    *,
    truth: Mapping[str, Any],
    entry: Mapping[str, Any],
    min_score: float,
) -> np.ndarray:
    """Draws the truth and the prediction side by side, each with a header that says which it is.

    Args:
        task: Draws them, and says whether the prediction is right where it can be one or the other.
        image: The photo; a small one is shown enlarged.
        truth: As ``DataModule.val_photo`` has it.
        entry: One of ``task.entries``.
        min_score: Predictions below it are not drawn.
    """
    left, right = (
        task.draw(image.pixels, shown, size=image.size)
        for shown in (truth, confident(entry, min_score))
    )
    verdict = task.verdict(truth, entry)
    said, colour = "prediction", PLAIN
    if verdict:
        said, colour = f"prediction: {verdict.words}", RIGHT if verdict.right else WRONG
    return side_by_side(headed(left, "truth", PLAIN), headed(right, said, colour))


def headed(picture: np.ndarray, text: str, colour: Colour) -> np.ndarray:
    """A picture with a line of text above it, as large as there is room for."""
    height = max(round(HEADER * len(picture)), MIN_HEADER_PX)
    header = Image.new("RGB", (picture.shape[1], height), colour)
    draw = ImageDraw.Draw(header)
    room = header.width - height
    font = ImageFont.load_default(0.7 * height)
    if draw.textlength(text, font=font) > room:
        fitting = 0.7 * height * room / draw.textlength(text, font=font)
        font = ImageFont.load_default(max(fitting, MIN_TEXT_PX))
    while draw.textlength(text, font=font) > room and len(text) > len(CUT):
        text = text.removesuffix(CUT)[:-1] + CUT
    draw.text((height // 3, height / 2), text, font=font, fill="white", anchor="lm")
    return np.concatenate([np.array(header), picture])


def confident(entry: Mapping[str, Any], min_score: float) -> dict[str, Any]:
    """An entry whose lists have lost what scores below ``min_score``."""

    def kept(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [
            row
            for row in value
            if not isinstance(row, Mapping) or row.get("score", 1.0) >= min_score
        ]

    return {key: kept(value) for key, value in entry.items()}
