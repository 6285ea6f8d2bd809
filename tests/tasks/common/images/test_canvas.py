"""What is drawn on a photo can be read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import supervision
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from tasks.common.images import fonts
from tasks.common.images.canvas import Canvas
from tasks.common.images.captions import cut, is_light
from tasks.common.images.fonts import USUAL, font_for

COLOUR = (250, 200, 10)


def drawn(width: int, height: int, box: tuple[float, ...], lines: list[str]) -> np.ndarray:
    canvas = Canvas(np.full((height, width, 3), 90, np.uint8))
    canvas.box(box, lines, COLOUR)
    return canvas.picture()


def label_rows(width: int, height: int, box: tuple[float, ...]) -> int:
    """The height of a box's label in the picture: what it adds to the box without one."""
    added = drawn(width, height, box, ["a name"]) != drawn(width, height, box, [])
    return int(added.any(axis=(1, 2)).sum())


@pytest.mark.parametrize("size", [(60, 40), (300, 300), (300, 200), (640, 480), (4000, 3000)])
def test_text_has_the_same_share_of_pictures_of_all_sizes(size: tuple[int, int]) -> None:
    width, height = size
    box = (0.3 * width, 0.3 * height, 0.7 * width, 0.7 * height)
    picture = drawn(*size, box, [])
    rows = label_rows(*size, box)
    assert rows >= 20
    assert rows / np.sqrt(picture.shape[0] * picture.shape[1]) == pytest.approx(0.049, abs=0.004)


def test_small_photos_are_enlarged_and_others_keep_their_size() -> None:
    shapes = {size: drawn(*size, (0, 0, 1, 1), []).shape for size in [(60, 40), (480, 700), (1, 1)]}
    assert shapes == {(60, 40): (480, 720, 3), (480, 700): (700, 480, 3), (1, 1): (480, 480, 3)}
    assert drawn(5, 2000, (0, 0, 5, 5), ["a name"]).shape == (2000, 5, 3)


@pytest.mark.parametrize("box", [(0, 0, 640, 480), (0, 0, 90, 60), (550, 0, 640, 60)])
def test_a_label_at_the_upper_edge_is_whole(box: tuple[int, ...]) -> None:
    elsewhere = label_rows(640, 480, (200, 200, 400, 400))
    line = Canvas(np.zeros((480, 640, 3), np.uint8)).line
    assert label_rows(640, 480, box) >= elsewhere - line  # which it may stand on


def test_lines_at_the_edge_are_as_wide_as_others() -> None:
    picture = drawn(640, 480, (-20, -20, 700, 500), [])
    lines = (picture == COLOUR).all(axis=2)
    middle = drawn(640, 480, (100, 100, 300, 300), [])[200, :200]
    width = int((middle == COLOUR).all(axis=1).sum())
    assert width >= 2
    for edge in (lines[:20, 300], lines[-20:, 300], lines[200, :20], lines[200, -20:]):
        assert edge.sum() >= width - 1


def test_text_stands_out_from_every_colour() -> None:
    palette = [colour.as_rgb() for colour in supervision.ColorPalette.DEFAULT.colors]
    rng = np.random.default_rng(0)
    for colour in [*palette, *map(tuple, rng.integers(0, 256, (200, 3)).tolist())]:
        shares = np.array(colour) / 255
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        luminance = linear @ [0.2126, 0.7152, 0.0722]
        contrast = (luminance + 0.05) / 0.05 if is_light(colour) else 1.05 / (luminance + 0.05)
        assert contrast > 4.5  # what WCAG asks of text


def test_what_is_said_of_a_whole_photo_stays_in_it_and_clear_of_labels() -> None:
    """A long list in a low photo, of two parts, and a box in the corner where it stands."""
    canvas = Canvas(np.full((480, 960, 3), 90, np.uint8))
    canvas.write([f"{number} a name" for number in range(20)])
    canvas.write(["b" * 300])
    listed = (canvas.picture() != 90).any(axis=2)
    assert listed[:40, :40].any() and not listed[-100:].any()
    canvas.box((0, 0, 60, 60), ["c"], COLOUR)
    labelled = (canvas.picture() == COLOUR).all(axis=2)
    assert labelled.any()
    both = Canvas(np.full((480, 960, 3), 90, np.uint8))
    both.box((0, 0, 60, 60), [], COLOUR)
    label = labelled & ~(both.picture() == COLOUR).all(axis=2)
    assert not (label & listed).any()


def test_a_text_too_long_keeps_its_beginning() -> None:
    font = font_for("a", 20)
    assert cut("short", font, 200) == "short"
    shorter = cut("98% a long name of something", font, 150)
    assert shorter.startswith("98% a") and shorter.endswith("…")
    assert font.getlength(shorter) <= 150


@pytest.fixture
def chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose only font, beside one that is broken, has a dog and a cat."""
    names = {ord("犬"): "dog", ord("猫"): "cat", ord("a"): "a", ord(" "): "space"}
    pen = TTGlyphPen(None)
    for corner in ((0, 0), (0, 900), (900, 900), (900, 0)):
        (pen.lineTo if corner != (0, 0) else pen.moveTo)(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    order = [".notdef", *names.values()]
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf(dict.fromkeys(order, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(order, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "squares.ttf")
    (tmp_path / "broken.ttf").write_bytes(b"none")
    monkeypatch.setattr(
        font_manager, "findSystemFonts", lambda: [str(path) for path in tmp_path.glob("*.ttf")]
    )
    fonts._covering.cache_clear()
    yield tmp_path / "squares.ttf"
    fonts._covering.cache_clear()


def test_names_are_written_in_a_font_that_has_their_letters(chinese: Path) -> None:
    for name in ("Jürgen Øß", "Łukasz Želnić", "Ελένη", "Борис"):
        assert font_for(name, 20).path == str(USUAL)
    assert font_for("犬 猫", 20).path == str(chinese)
    assert font_for("鳥", 20).path == str(USUAL)  # which no font has
    picture = drawn(640, 480, (200, 200, 400, 400), ["犬犬犬"])
    label = picture[150:199, 200:400]
    assert (label == 0).all(axis=2).sum() > 3 * 15**2  # the font's squares, in black


def test_what_is_painted_later_goes_under_lines() -> None:
    canvas = Canvas(np.full((480, 640, 3), 90, np.uint8))
    canvas.box((100, 100, 300, 300), [], COLOUR)
    canvas.ground = np.full((480, 640, 3), 30, np.uint8)
    picture = canvas.picture()
    assert (picture[200, 90:110] == COLOUR).any() and (picture[200, 200] == 30).all()
    assert (canvas.photo == 90).all()
