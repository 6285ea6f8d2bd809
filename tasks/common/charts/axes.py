"""What all charts have in common: colours, plain axes, and files that are whole or not there."""

import warnings
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from backbone.files import replacing

# Okabe and Ito's palette, whose colours differ for colour-blind eyes too, and brown
BLUE, GREEN, ORANGE, PURPLE, VERMILION = "#0072B2", "#009E73", "#E69F00", "#CC79A7", "#D55E00"
SKY, YELLOW, BROWN, BLACK = "#56B4E9", "#F0E442", "#7F4F24", "#000000"
GREY = "#555555"
LIGHT_GREY = "#cccccc"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BROWN, YELLOW)
DASHES = ("-", "--", ":")  # tell apart more lines than there are colours
DOTS_PER_INCH = 110
FAST = 1  # of zlib's levels: a tenth larger, at a fifth of the time
MAX_NAME = 24  # characters


def new_figure(width: float, height: float, *, makes_room: bool = True) -> Figure:
    """An empty figure.

    Args:
        width: Inches.
        height: Inches.
        makes_room: Whether its parts make room for each other, which takes as long as drawing
            them; otherwise whoever draws says where they are.
    """
    figure = Figure(
        figsize=(width, height), layout="constrained" if makes_room else None, dpi=DOTS_PER_INCH
    )
    FigureCanvasAgg(figure)
    return figure


def tidy(axes: Axes) -> None:
    """A light grid behind what is drawn, and no frame."""
    axes.grid(color="#dddddd", linewidth=0.5, which="major")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def line_style(number: int) -> dict[str, Any]:
    """Colour and dashes of the n-th line."""
    dashes = DASHES[number // len(PALETTE) % len(DASHES)]
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": dashes}


def short_name(name: str, length: int = MAX_NAME) -> str:
    r"""A name as text for a chart, cut in the middle where it is too long for one.

    >>> short_name("a name that is much longer than it can be", 20)
    'a name th...t can be'
    >>> short_name("US$")
    'US\\$'
    """
    if len(name) > length:
        name = f"{name[: length // 2 - 1]}...{name[length // 2 + 2 - length :]}"
    name = " ".join(name.split()).replace("$", r"\$")  # which would begin a formula
    return f" {name}" if name.startswith("_") else name  # which legends leave out


def write_figure(figure: Figure, path: Path) -> None:
    """Writes a figure as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # letters that the font lacks
        figure.savefig(temporary, format="png", pil_kwargs={"compress_level": FAST})
