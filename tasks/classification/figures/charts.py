"""Charts of accuracy against cost."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox, BboxBase

from tasks.classification.figures.points import PAPER, RELEASED, RUN, Point
from tasks.common.charts.axes import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION

ALPHA = "\N{GREEK SMALL LETTER ALPHA}"  # the width multiplier
WIDTHS = {1.0: BLUE, 0.75: GREEN, 0.5: ORANGE, 0.25: PURPLE}
RESOLUTIONS: dict[float, str] = {224: BLUE, 192: GREEN, 160: ORANGE, 128: PURPLE}

MARKERS = {PAPER: "o", RELEASED: "D", RUN: "*"}
SIZES = {PAPER: 30, RELEASED: 75, RUN: 160}  # areas in square points
NAMES = {PAPER: "the paper", RELEASED: "released weights", RUN: "runs"}
MILLION = 10**6
AREA_OF_A_MILLION = 14  # square points for a million parameters
KEY_MILLIONS = (1, 5, 25)  # shown in the legend
LINE_FROM = 0.5  # the least width whose accuracy follows the line

POINTS_PER_INCH = 72
DISTANCES = (7, 14, 21, 28, 35, 42, 56, 70)  # of a name from its dot, in points
DIRECTIONS = ((1, 0), (1, -1), (-1, 1), (-1, 0), (1, 1), (-1, -1), (0, 1), (0, -1))

Value = Callable[[Point], float]


def accuracy_by_mult_adds(points: Sequence[Point], *, data_set: str) -> Figure:
    """Figure 4: accuracy rises with the logarithm of the mult-adds, but for the thinnest."""
    axes = _axes(points, x=_mult_adds, of="Mult-adds", data_set=data_set)
    key = _families(axes, points, x=_mult_adds, family=lambda p: p.width, colours=WIDTHS)
    key += [_key(f"{ALPHA} = {width:g}", color=colour) for width, colour in WIDTHS.items()]
    wide = [p for p in points if p.source == RELEASED and p.width and p.width >= LINE_FROM]
    slope, start = log_line(wide)
    ends = np.array([end(map(_mult_adds, points)) for end in (min, max)])
    label = f"+{slope:.1f} points per doubling\n(released, {ALPHA} ≥ {LINE_FROM:g})"
    key += axes.plot(
        ends, start + slope * np.log2(ends / MILLION), "--", color=GREY, label=label, zorder=1
    )
    return _finished(axes, points, x=_mult_adds, key=key)


def log_line(points: Sequence[Point]) -> tuple[float, float]:
    """The least-squares line of accuracy over mult-adds.

    Returns:
        Points of accuracy for each doubling, and those at a million mult-adds.
    """
    doublings = np.log2([_mult_adds(point) / MILLION for point in points])
    slope, start = np.polyfit(doublings, [point.accuracy for point in points], 1)
    return float(slope), float(start)


def accuracy_by_params(points: Sequence[Point], *, data_set: str) -> Figure:
    """Figure 5: accuracy against parameters, whose number resolution leaves as it is."""
    axes = _axes(points, x=_params, of="Parameters", data_set=data_set)
    key = _families(axes, points, x=_params, family=lambda p: p.resolution, colours=RESOLUTIONS)
    key += [_key(f"{side} pixels", color=colour) for side, colour in RESOLUTIONS.items()]
    for width in WIDTHS:
        column = [p for p in points if p.width == width and p.source != RUN]
        lowest = min(column, key=lambda point: point.accuracy)
        place = _params(lowest), lowest.accuracy
        below: dict[str, Any] = {"xytext": (0, -20), "textcoords": "offset points", "ha": "center"}
        axes.annotate(f"{ALPHA} = {width:g}", place, **below)
    return _finished(axes, points, x=_params, key=key)


def operations(points: Sequence[Point], *, data_set: str) -> Figure:
    """Accuracy against mult-adds, with the parameters as areas."""
    axes = _axes(points, x=_mult_adds, of="Mult-adds", data_set=data_set)
    kinds: list[tuple[str, str | None, Callable[[Point], object]]] = [
        (f"MobileNet, {NAMES[PAPER]}", BLUE, lambda p: p.source == PAPER and p.width),
        (f"MobileNet, {NAMES[RELEASED]}", None, lambda p: p.source == RELEASED),
        ("other networks, papers", ORANGE, lambda p: p.source == PAPER and not p.width),
        (NAMES[RUN], VERMILION, lambda p: p.source == RUN),
    ]
    key = []
    for name, colour, belongs in kinds:
        kind = [point for point in points if belongs(point)]
        kind.sort(key=_params, reverse=True)  # small ones are drawn over large ones
        areas = [AREA_OF_A_MILLION * point.params / MILLION for point in kind]
        face, edge = (colour, "white") if colour else ("none", GREEN)
        _dots(axes, kind, x=_mult_adds, s=areas, facecolor=face, edgecolor=edge, linewidth=0.6)
        style = {"markerfacecolor": face, "markeredgecolor": edge, "markersize": 9}
        key += [_key(name, **style)] if kind else []
    key.append(_key("area: parameters", marker=""))
    for millions in KEY_MILLIONS:
        side = (AREA_OF_A_MILLION * millions) ** 0.5
        key.append(_key(f"{millions} million", markersize=side, markerfacecolor="none"))
    return _finished(axes, points, x=_mult_adds, key=key, named=(PAPER, RUN))


def _mult_adds(point: Point) -> float:
    return point.mult_adds


def _params(point: Point) -> float:
    return point.params


def _axes(points: Sequence[Point], *, x: Value, of: str, data_set: str) -> Axes:
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)  # measures the labels
    axes = figure.add_subplot(
        xscale="log", xlabel=f"{of}, as counted here", ylabel="Top-1 accuracy in percent"
    )
    axes.set_title(f"Accuracy on {data_set}", fontsize="medium")
    axes.margins(y=0.08)
    values = [x(point) for point in points]
    axes.set_xlim(min(values) / 1.5, max(values) * 2)
    steps = (1, 2, 5) if max(values) > 10 * min(values) else (1, 2, 3, 4, 5, 7)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 500M, 2G
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _families(
    axes: Axes,
    points: Sequence[Point],
    *,
    x: Value,
    family: Callable[[Point], float | None],
    colours: Mapping[float, str],
) -> list[Line2D]:
    """Draws points in the colour of their family, hollow where the weights came later.

    Returns:
        The legend's entries for the sources and the families.
    """
    key = []
    for source, marker in MARKERS.items():
        kind = [point for point in points if point.source == source]
        edges = [colours.get(family(point), GREY) for point in kind]  # type: ignore[arg-type]
        faces = ["none" if source == RELEASED else edge for edge in edges]
        style = {"marker": marker, "s": SIZES[source]}
        _dots(axes, kind, x=x, edgecolor=edges, facecolor=faces, **style)
        face = "none" if source == RELEASED else GREY
        side = SIZES[source] ** 0.5
        if kind:
            key.append(_key(NAMES[source], marker=marker, markerfacecolor=face, markersize=side))
    return key


def _dots(axes: Axes, points: Sequence[Point], *, x: Value, **style: Any) -> None:
    axes.scatter([x(point) for point in points], [p.accuracy for p in points], **style)


def _key(label: str, **style: Any) -> Line2D:
    """A legend's entry."""
    style = {"marker": "o", "color": GREY, "linestyle": "none"} | style
    return Line2D([], [], label=label, **style)


def _finished(
    axes: Axes,
    points: Sequence[Point],
    *,
    x: Value,
    key: Sequence[Line2D],
    named: Sequence[str] = (RUN,),
) -> Figure:
    """Adds the legend, and the names of points of some sources where there is room."""
    figure = cast(Figure, axes.figure)  # no part of another one
    figure.legend(handles=key, loc="outside right upper", frameon=False, labelspacing=0.8)
    figure.draw_without_rendering()  # sizes are known from here on
    taken = _dot_boxes(axes)
    for point in sorted(points, key=lambda point: point.source != RUN):  # runs come first
        if point.source in named:
            taken.append(_write_name(axes, point, x=x, taken=taken))
    return figure


def _dot_boxes(axes: Axes) -> list[Bbox]:
    """What the dots cover, in pixels."""
    boxes = []
    for dots in cast(list[PathCollection], axes.collections):  # scatter draws nothing else
        places = axes.transData.transform(np.asarray(dots.get_offsets()))
        sides = np.sqrt(dots.get_sizes()) * axes.figure.dpi / POINTS_PER_INCH
        corners = [places - sides[:, None] / 2, places + sides[:, None] / 2]
        boxes += [Bbox(pair) for pair in np.stack(corners, axis=1)]
    return boxes


def _write_name(axes: Axes, point: Point, *, x: Value, taken: Sequence[Bbox]) -> Bbox:
    """Writes the name at the nearest place where nothing is, and returns what it covers.

    Without such a place it is written at the last one tried.
    """
    name, place = point.name.replace(" MobileNet", ""), (x(point), point.accuracy)
    for distance, (across, up) in itertools.product(DISTANCES, DIRECTIONS):
        offset: dict[str, Any] = {
            "xytext": (across * distance, up * distance),
            "textcoords": "offset points",
        }
        sides: dict[str, Any] = {
            "ha": ("center", "left", "right")[across],
            "va": ("center", "bottom", "top")[up],
        }
        text = axes.annotate(name, place, **offset, **sides, fontsize="small")
        box = text.get_window_extent()
        last = (distance, (across, up)) == (DISTANCES[-1], DIRECTIONS[-1])
        free = _contains(axes.bbox, box) and not any(box.overlaps(other) for other in taken)
        if free or last:
            break
        text.remove()
    if distance > DISTANCES[0]:
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", place, **offset, arrowprops=line, zorder=0.5)
    return box


def _contains(outer: BboxBase, inner: BboxBase) -> bool:
    return all(outer.contains(*corner) for corner in (inner.p0, inner.p1))
