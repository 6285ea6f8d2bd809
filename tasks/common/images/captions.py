"""Text on pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import ImageDraw, ImageFont

from tasks.common.images.fonts import font_for
from tasks.common.images.label_places import Rectangle

Colour = tuple[int, int, int]  # RGB

SPACING = 1.3  # between lines, over the height of text
PADDING = 0.25  # around text, likewise


def scored_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each row: its ``score``, if it has one and is no truth, and its ``name``."""
    return [f"{row['score']:.1%} {row['name']}" if "score" in row else row["name"] for row in rows]


def block_size(lines: Sequence[str], text: int, *, width: int) -> tuple[int, int]:
    """Width and height of lines with what is around them, in a picture of this ``width``."""
    padding = round(PADDING * text)
    longest = max(font_for(line, text).getlength(line) for line in lines)
    return min(int(longest) + 1 + 2 * padding, width), _pitch(text) * len(lines)


def write_lines(
    draw: ImageDraw.ImageDraw,
    lines: Sequence[str],
    corner: tuple[int, int],
    text: int,
    *,
    width: int,
    fill: tuple[int, ...] | None,
    ink: str,
) -> list[Rectangle]:
    """Writes lines beneath each other; those too long for a picture of this ``width`` are cut.

    Args:
        draw: On the picture.
        lines: To write.
        corner: The upper left one.
        text: Height.
        width: Of the picture.
        fill: Beneath each line; None for nothing.
        ink: Colour of the text.

    Returns:
        The rectangle of each line.
    """
    rectangles = []
    padding, pitch = round(PADDING * text), _pitch(text)
    for number, line in enumerate(lines):
        font = font_for(line, text)
        line = cut(line, font, width - 2 * padding)
        left, top = corner[0], corner[1] + number * pitch
        right = left + int(font.getlength(line)) + 1 + 2 * padding
        rectangles.append((left, top, right, top + pitch))
        if fill:
            draw.rectangle(_filled(rectangles[-1]), fill=fill)
        draw.text((left + padding, top + pitch / 2), line, font=font, fill=ink, anchor="lm")
    return rectangles


def write_label(
    draw: ImageDraw.ImageDraw,
    lines: Sequence[str],
    place: Rectangle,
    text: int,
    colour: Colour,
) -> None:
    """Fills a place with a colour and writes lines on it, black or white."""
    draw.rectangle(_filled(place), fill=colour)
    left, top, right, _ = place
    ink = "black" if is_light(colour) else "white"
    write_lines(draw, lines, (left, top), text, width=right - left, fill=None, ink=ink)


def cut(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """A text, or as much of its beginning as fits with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    fitting = (text[:end] + "…" for end in range(len(text) - 1, -1, -1))
    return next((short for short in fitting if font.getlength(short) <= width), "")


def is_light(colour: Colour) -> bool:
    """Whether black is better to read on a colour than white (WCAG 2, contrast ratio)."""
    shares = np.array(colour) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return (luminance + 0.05) ** 2 > 1.05 * 0.05


def _pitch(text: int) -> int:
    return max(round(SPACING * text), 1)


def _filled(rectangle: Rectangle) -> Rectangle:
    """The same for a library that fills the last row and column too."""
    left, top, right, bottom = rectangle
    return left, top, max(right - 1, left), max(bottom - 1, top)
