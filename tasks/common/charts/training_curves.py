"""``curves.png``: how a run went, from ``metrics.csv``."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.common.charts.axes import (
    GREY,
    LIGHT_GREY,
    line_style,
    new_figure,
    short_name,
    tidy,
    write_figure,
)

COLUMNS = 2
PANEL_INCHES = (5.5, 3.2)  # width and height
MARGIN_INCHES = (0.85, 0.15, 0.5, 0.35)  # left, right, bottom and top: for labels and the title
MAX_TICKS = 5  # of an axis
MAX_LINES = 8  # of a panel: figures beyond are in metrics.csv
MAX_RAW = 60  # points: more are smoothed, with what they were in grey
WINDOWS = 30  # that a smoothed curve has room for
RATE, TOTAL = "train/learning_rate", "train/loss"
SPEED = "train/images_per_second"
LOSSES, LEARNING_RATE = "training loss", "learning rate"  # panels

Curve = tuple[np.ndarray, np.ndarray]  # steps done and values


def draw_curves(folder: Path, *, monitor: str, chosen: str, step: int) -> None:
    """Draws the losses, the learning rate and the validation figures of a run.

    Args:
        folder: Of the run; without a ``metrics.csv`` nothing is drawn.
        monitor: The figure that the best weights are chosen by.
        chosen: The weights that are reported, in words.
        step: After which they came about; it is marked.
    """
    if not (folder / "metrics.csv").is_file():
        return
    curves = read_curves(folder / "metrics.csv")
    panels = {name: part for name, part in panels_of(curves, monitor=monitor).items() if part}
    if panels:
        write_figure(figure_of(panels, mark=(chosen, step)), folder / "curves.png")


def read_curves(path: Path) -> dict[str, Curve]:
    """The curve of each column, over the steps done where it has a value."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    curves = {}
    for name in rows[0].keys() - {"step", "epoch"} if rows else ():
        points = [(int(row["step"]) + 1, float(row[name])) for row in rows if row[name]]
        curves[name] = (np.array([x for x, _ in points]), np.array([y for _, y in points]))
    return dict(sorted(curves.items()))


def panels_of(curves: Mapping[str, Curve], *, monitor: str) -> dict[str, dict[str, Curve]]:
    """The curves of each panel, by its title.

    Figures of single classes are left out, as are those that never change.
    """
    train = {name: curve for name, curve in curves.items() if name.startswith("train/")}
    losses = {name: curve for name, curve in train.items() if name not in (RATE, SPEED)}
    if len(losses) == 2:  # of one loss the total says it all
        losses = {TOTAL: losses[TOTAL]}
    figures = {
        name: curve
        for name, curve in curves.items()
        if name.startswith("val/")
        and name != monitor
        and name.rpartition("/")[0] not in curves
        and (len(curve[1]) == 1 or np.ptp(curve[1]) > 0)
    }
    shares = {name: curve for name, curve in figures.items() if np.nanmax(curve[1]) <= 1}
    others = {name: {name: curve} for name, curve in figures.items() if name not in shares}
    return {
        LOSSES: losses,
        monitor: {monitor: curves[monitor]} if monitor in curves else {},
        LEARNING_RATE: {RATE: curves[RATE]} if RATE in curves else {},
        "other figures in validation": shares,
        **others,
    }


def figure_of(panels: Mapping[str, Mapping[str, Curve]], *, mark: tuple[str, int]) -> Figure:
    """Small multiples over one axis of steps."""
    rows = math.ceil(len(panels) / COLUMNS)
    width, height = PANEL_INCHES[0] * COLUMNS, PANEL_INCHES[1] * rows
    figure = new_figure(width, height, makes_room=False)
    left, right, bottom, top = MARGIN_INCHES
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    across, down = left + right, bottom + top  # between the axes of two panels
    gaps = {
        "wspace": across / (PANEL_INCHES[0] - across),  # as shares of an axis
        "hspace": down / (PANEL_INCHES[1] - down),
    }
    every = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, gridspec_kw=gaps).flatten()
    for axes, (title, curves) in zip(every, panels.items(), strict=False):
        draw_panel(axes, title, curves, mark=mark)
    for number, axes in enumerate(every):
        axes.tick_params(labelbottom=True)
        if number >= len(panels):
            axes.remove()
    return figure


def draw_panel(
    axes: Axes, title: str, curves: Mapping[str, Curve], *, mark: tuple[str, int]
) -> None:
    """One panel, with a legend where it has several curves."""
    tidy(axes)
    axes.locator_params(nbins=MAX_TICKS)
    # margins are fixed, and longer numbers would run over the name of the axis
    axes.ticklabel_format(axis="y", scilimits=(-3, 4))
    chosen = list(curves.items())[:MAX_LINES]
    for number, (name, (steps, values)) in enumerate(chosen):
        style = line_style(number)
        label = short_name(name.partition("/")[2])
        if len(steps) > MAX_RAW:
            if len(chosen) == 1:
                axes.plot(steps, values, color=LIGHT_GREY, linewidth=0.8)
            steps, values = smoothed(steps, values)
        marker = "o" if len(steps) <= MAX_RAW // 2 else ""
        axes.plot(steps, values, label=label, marker=marker, markersize=3, linewidth=1.4, **style)
    words, step = mark
    axes.axvline(step, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)), label=words)
    axes.set_title(title if len(chosen) > 1 else chosen[0][0], fontsize="medium")
    axes.set_xlabel("step")
    axes.set_ylabel(title if title in (LOSSES, LEARNING_RATE) else "figure")
    handles, labels = axes.get_legend_handles_labels()
    if len(chosen) == 1:  # which the title names
        handles, labels = handles[-1:], labels[-1:]
    axes.legend(handles, labels, edgecolor="none", framealpha=0.7, fontsize="x-small")


def smoothed(steps: np.ndarray, values: np.ndarray) -> Curve:
    """Means over a sliding window, of a curve with many points."""
    size = max(len(steps) // WINDOWS, 1)
    kernel = np.ones(size) / size
    return np.convolve(steps, kernel, "valid"), np.convolve(values, kernel, "valid")
