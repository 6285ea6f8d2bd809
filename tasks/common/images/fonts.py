"""Fonts for names in any script."""

from functools import cache, lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import findSystemFonts
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

# Has Latin with all its accents, Greek and Cyrillic, and comes with matplotlib.
USUAL = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def font_for(text: str, height: int) -> ImageFont.FreeTypeFont:
    """The usual font, or the machine's first that has what this one lacks, such as Chinese.

    Where no font has all, what is missing becomes boxes.

    Args:
        text: To be written.
        height: Of a line in pixels.
    """
    lacking = frozenset(filter(str.isprintable, text)) - _characters(USUAL)
    return _load(_covering(lacking) if lacking else USUAL, height)


@cache
def _covering(wanted: frozenset[str]) -> Path:
    files = map(Path, sorted(findSystemFonts()))
    return next((file for file in files if wanted <= _characters(file)), USUAL)


@cache
def _characters(file: Path) -> frozenset[str]:
    try:
        return frozenset(map(chr, FT2Font(str(file)).get_charmap()))
    except (RuntimeError, OSError):  # no font that can be drawn with
        return frozenset()


@lru_cache(64)
def _load(file: Path, height: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), height)
