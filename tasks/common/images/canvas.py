"""A photo to draw on, with text of a size to be read."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from tasks.common.images.captions import SPACING, Colour, block_size, write_label, write_lines
from tasks.common.images.fonts import font_for
from tasks.common.images.label_places import Rectangle, place_labels
from tasks.common.images.sheets import side_by_side

# A photo whose short side is below the first is enlarged to it, as far as the long side stays
# within the second: a name needs some hundred pixels to stand in.
SHORT_SIDE_PX = 480
LONG_SIDE_PX = 960
# Lengths as shares of the picture's side, the root of its area: a picture is looked at as a whole,
# on a screen or small on a sheet, whatever the number of its pixels.
TEXT = 0.038  # of a label beside a thing
LISTED = 0.05  # of a line about the whole photo
LINE = 0.005
LABELLED = 0.15  # of the picture that labels cover before their text becomes smaller
SMALLEST = 0.55  # of the text's usual size, however crowded the picture
LISTED_HEIGHT = 0.6  # of the picture that a list may cover
SHADE = (0, 0, 0, 150)  # under lists


class Label(NamedTuple):
    """Lines of text that belong to a thing, whose rectangle is in pixels of the canvas."""

    lines: Sequence[str]
    thing: Rectangle
    colour: Colour


class Canvas:
    """A photo to draw on, enlarged if it is small.

    Places are given in pixels of the photo. Lines go over all that is painted, and labels over
    all lines: they find their places when all are known, the first ones with the first choice.

    Attributes:
        photo: As it was given, RGB, uint8, shape ``(H, W, 3)``.
        whole: Width and height of the photo, in whose pixels places are given.
        ground: The photo with what was painted on it, such as masks; may be replaced.
        size: Width and height of the picture.
        text: Height of a label's text, unless the picture is crowded.
        line: Width of lines.

    Args:
        photo: Left as it is.
        size: Width and height of the whole photo, if it was read at a reduced scale.
    """

    def __init__(self, photo: np.ndarray, *, size: tuple[int, int] | None = None) -> None:
        self.photo = self.ground = photo
        height, width = photo.shape[:2]
        self.whole = size or (width, height)
        enlargement = _enlargement(width, height)
        self.scale = enlargement * width / self.whole[0]
        self.size = max(round(width * enlargement), 1), max(round(height * enlargement), 1)
        self.side = float(np.sqrt(self.size[0] * self.size[1]))
        self.text = max(round(TEXT * self.side), 1)
        self.line = max(round(LINE * self.side), 1)
        self._outlines: list[tuple[np.ndarray, Colour]] = []
        self._labels: list[Label] = []
        self._listed: list[str] = []
        self._beside: list[np.ndarray] = []

    def box(self, box: Sequence[float], lines: Sequence[str], colour: Colour) -> None:
        """Draws a box ``(left, top, right, bottom)`` with its label; whole at the photo's edge."""
        inset = self.line / 2 / self.scale
        low = np.array([inset, inset])
        high = np.array(self.whole) - inset
        left, top, right, bottom = np.clip(np.reshape(box, (2, 2)), low, high).ravel().tolist()
        self.outline([(left, top), (right, top), (right, bottom), (left, bottom)], lines, colour)

    def outline(
        self, corners: Sequence[Sequence[float]], lines: Sequence[str], colour: Colour
    ) -> None:
        """Draws lines around a thing, with its label."""
        points = np.round(np.array(corners) * self.scale).astype(np.int32)
        self._outlines.append((points, colour))
        half = (self.line + 1) // 2
        left, top = (points.min(0) - half).tolist()
        right, bottom = (points.max(0) + half).tolist()
        if lines:
            self._labels.append(Label(lines, (left, top, right, bottom), colour))

    def write(self, lines: Sequence[str]) -> None:
        """Writes what is said of the whole photo, from its upper left corner down."""
        self._listed += lines

    def beside(self, picture: np.ndarray) -> None:
        """Puts another picture to the right of the photo, at its height."""
        height, width = picture.shape[:2]
        shape = (max(round(width * self.size[1] / height), 1), self.size[1])
        self._beside.append(cv2.resize(picture, shape, interpolation=_finest(height, shape[1])))

    def picture(self) -> np.ndarray:
        """All of it, RGB, uint8."""
        pixels = self._enlarged(self.ground)
        for points, colour in self._outlines:
            cv2.polylines(pixels, [points], True, colour, self.line, cv2.LINE_AA)
        drawing = Image.fromarray(pixels)
        draw = ImageDraw.Draw(drawing, "RGBA")
        listed = self._write_list(draw)
        self._write_labels(draw, taken=listed)
        return side_by_side(np.array(drawing), *self._beside)

    def _enlarged(self, photo: np.ndarray) -> np.ndarray:
        if self.size == (photo.shape[1], photo.shape[0]):
            return photo.copy()
        return cv2.resize(photo, self.size, interpolation=cv2.INTER_CUBIC)

    def _write_list(self, draw: ImageDraw.ImageDraw) -> Sequence[Rectangle]:
        """Writes the lines about the whole photo, and says where they are."""
        if not self._listed:
            return []
        width, height = self.size
        room = LISTED_HEIGHT * height / (SPACING * len(self._listed))
        text = max(round(min(LISTED * self.side, room)), 1)
        widest = max(font_for(line, text).getlength(line) for line in self._listed)
        text = max(round(text * min(max(0.95 * width / widest, SMALLEST), 1)), 1)
        return write_lines(draw, self._listed, (0, 0), text, width=width, fill=SHADE, ink="white")

    def _write_labels(self, draw: ImageDraw.ImageDraw, *, taken: Sequence[Rectangle]) -> None:
        text = self._label_height()
        forms = [self._forms(label.lines) for label in self._labels]
        wanted = [
            (label.thing, [block_size(lines, text, width=self.size[0]) for lines in shorter])
            for label, shorter in zip(self._labels, forms, strict=True)
        ]
        places = place_labels(wanted, size=self.size, taken=taken)
        for label, shorter, place in zip(self._labels, forms, places, strict=True):
            if place:
                write_label(draw, shorter[place.form], place.rectangle, text, label.colour)

    def _label_height(self) -> int:
        sizes = [block_size(label.lines, self.text, width=self.size[0]) for label in self._labels]
        covered = sum(width * height for width, height in sizes) / self.side**2
        crowded = np.sqrt(LABELLED / covered) if covered > LABELLED else 1.0
        return max(round(self.text * max(float(crowded), SMALLEST)), 1)

    @staticmethod
    def _forms(lines: Sequence[str]) -> list[Sequence[str]]:
        """All lines, the first half of them, and the first alone, for where there is less room."""
        counts = sorted({len(lines), (len(lines) + 1) // 2, 1}, reverse=True)
        return [lines[:count] for count in counts]


def _enlargement(width: int, height: int) -> float:
    return max(min(SHORT_SIDE_PX / min(width, height), LONG_SIDE_PX / max(width, height)), 1.0)


def _finest(old: int, new: int) -> int:
    return cv2.INTER_AREA if new < old else cv2.INTER_LINEAR
