"""Pictures beside and beneath each other."""

from collections.abc import Hashable, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from tasks.common.images.captions import SPACING, write_lines
from tasks.common.images.decoding import read_image
from tasks.common.images.fonts import font_for

GAP_PX = 8  # between pictures that belong together
SHEET_GAP_PX = 16  # between others
SHEET_PICTURES = 12
WIDTH_PX = 1480
ROW_PX = 300  # of rows, about: what is written on a picture can still be read
HIGHEST_ROW_PX = 900  # beyond, the sheet becomes narrower
SLOT_ASPECTS = (0.2, 6.0)  # a picture that is thinner or flatter leaves white in its place
ROUNDED = 0.03  # by which a place's shape may differ from its picture's, to be filled
TITLE_PX = 22


def side_by_side(*pictures: np.ndarray) -> np.ndarray:
    """RGB pictures of one height with white between them."""
    white = np.full((len(pictures[0]), GAP_PX, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (white, picture)]
    return np.concatenate(parts[1:], axis=1)


def spread(groups: Sequence[Hashable], count: int) -> list[int]:
    """Some places of a sequence, from each group as many as from others, spread over all.

    >>> spread(["cat", "cat", "cat", "cat", "dog", "fox", "fox", "fox"], 5)
    [1, 3, 4, 5, 7]

    Args:
        groups: Of each place.
        count: Places wanted.
    """
    by_group: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        by_group.setdefault(group, []).append(place)
    members = [by_group[group] for group in _evenly(list(by_group), count)]
    shares = [0] * len(members)
    for _ in range(min(count, sum(map(len, members)))):
        open_ones = [n for n, group in enumerate(members) if shares[n] < len(group)]
        shares[min(open_ones, key=shares.__getitem__)] += 1
    chosen = zip(members, shares, strict=True)
    return sorted(place for group, share in chosen for place in _evenly(group, share))


def sample_sheet(photos: Sequence[Path], pictures: Sequence[Path], *, title: str) -> np.ndarray:
    """A sheet of some of the pictures, from each folder of photos as many as from others.

    Args:
        photos: The files.
        pictures: With what was drawn on these.
        title: What that is.
    """
    chosen = spread([photo.parent for photo in photos], SHEET_PICTURES)
    return contact_sheet([read_image(pictures[index]).pixels for index in chosen], title=title)


def contact_sheet(
    pictures: Sequence[np.ndarray], *, title: str = "", width: int = WIDTH_PX, row: int = ROW_PX
) -> np.ndarray:
    """All pictures in rows that are filled, in their order, beneath what they show.

    Args:
        pictures: RGB, uint8, of any sizes.
        title: A few sentences; none by default.
        width: Of the sheet, which is less where few pictures would become too high.
        row: Height of rows, about.
    """
    aspects = np.clip([picture.shape[1] / picture.shape[0] for picture in pictures], *SLOT_ASPECTS)
    ends = _row_ends(aspects, width / row)
    rows = [slice(*pair) for pair in pairwise([0, *ends])]
    highest = max(_height(aspects[part], width) for part in rows)
    width = round(width * min(HIGHEST_ROW_PX / highest, 1))
    strips = [_strip(pictures[part], aspects[part], width) for part in rows]
    white = np.full((SHEET_GAP_PX, width, 3), 255, np.uint8)
    parts = [part for strip in strips for part in (white, strip)]
    return np.concatenate([_title(title, width), *parts[1:]] if title else parts[1:])


def _evenly(values: Sequence[object], count: int) -> list:
    """At most ``count`` values, as far from each other and from the ends as can be."""
    count = min(count, len(values))
    return [values[(2 * n + 1) * len(values) // (2 * count)] for n in range(count)]


def _row_ends(aspects: np.ndarray, wanted: float) -> list[int]:
    """Where rows end, so that their widths over their heights are nearest to what is wanted.

    The best division of the first pictures is the best of fewer with one row more.

    Args:
        aspects: Width over height of each picture, in order.
        wanted: Likewise of a row.
    """
    sums = np.concatenate([[0], np.cumsum(aspects)])
    costs, starts = [0.0], [0]
    for end in range(1, len(sums)):
        # twice as high and half as high are equally bad
        tries = np.array(costs) + np.log((sums[end] - sums[:end]) / wanted) ** 2
        starts.append(int(tries.argmin()))
        costs.append(float(tries.min()))
    ends = [len(aspects)]
    while starts[ends[0]]:
        ends.insert(0, starts[ends[0]])
    return ends


def _height(aspects: np.ndarray, width: int) -> float:
    """Of a row that fills a width."""
    return max(width - SHEET_GAP_PX * (len(aspects) - 1), 1) / float(aspects.sum())


def _strip(pictures: Sequence[np.ndarray], aspects: np.ndarray, width: int) -> np.ndarray:
    """A row of the sheet."""
    exact = _height(aspects, width)
    height = max(round(exact), 1)
    strip = np.full((height, width, 3), 255, np.uint8)
    rights = np.cumsum(aspects * exact + SHEET_GAP_PX)
    lefts = np.concatenate([[0], rights[:-1]])
    for picture, left, right in zip(
        pictures,
        lefts.round().astype(int),
        (rights - SHEET_GAP_PX).round().astype(int),
        strict=True,
    ):
        _fit(picture, strip[:, left : min(right, width)])
    return strip


def _fit(picture: np.ndarray, slot: np.ndarray) -> None:
    """Puts a picture into its place, whole, in the middle."""
    room, size = np.array(slot.shape[:2]), np.array(picture.shape[:2])
    scale = (room / size).min()
    fits = np.ptp(np.log(room / size)) < ROUNDED
    shape = room if fits else np.maximum(np.round(size * scale), 1)
    top, left = ((room - shape) // 2).astype(int)
    height, width = shape.astype(int).tolist()
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    slot[top : top + height, left : left + width] = cv2.resize(
        picture, (width, height), interpolation=method
    )


def _title(title: str, width: int) -> np.ndarray:
    """The title on white, in as many lines as it needs."""
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if font_for(longer, TITLE_PX).getlength(longer) > width - TITLE_PX and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    height = round(SPACING * TITLE_PX) * len(lines) + SHEET_GAP_PX
    band = Image.new("RGB", (width, height), "white")
    write_lines(ImageDraw.Draw(band), lines, (0, 0), TITLE_PX, width=width, fill=None, ink="black")
    return np.array(band)
