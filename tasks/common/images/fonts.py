"""Fonts for names in any script."""

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

# Has Latin with all its accents, Greek and Cyrillic, and comes with matplotlib, which takes a while
# to import and is not asked about names in plain letters.
USUAL = Path(str(find_spec("matplotlib").origin)).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"  # type: ignore[union-attr]


def font_for(text: str, height: int) -> ImageFont.FreeTypeFont:
    """The usual font, or the machine's first that has what this one lacks, such as Chinese.

    Where no font has all, what is missing becomes boxes.

    Args:
        text: To be written.
        height: Of a line in pixels.
    """
    if text.isascii():
        return _load(USUAL, height)
    lacking = frozenset(filter(str.isprintable, text)) - _characters(USUAL)
    return _load(_covering(lacking) if lacking else USUAL, height)


@cache
def _covering(wanted: frozenset[str]) -> Path:
    from matplotlib.font_manager import findSystemFonts

    files = map(Path, sorted(findSystemFonts()))
    return next((file for file in files if wanted <= _characters(file)), USUAL)


@cache
def _characters(file: Path) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(str(file)).get_charmap()))
    except (RuntimeError, OSError):  # no font that can be drawn with
        return frozenset()


@lru_cache(64)
def _load(file: Path, height: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), height)
