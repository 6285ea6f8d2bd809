"""Curves of precision over recall, one for each class or attribute."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.common.charts.axes import (
    BLACK,
    LIGHT_GREY,
    line_style,
    new_figure,
    short_name,
    tidy,
    write_figure,
)

MAX_NAMED = 12  # curves: of more, the best and the worst are, and the others are grey
ENDS = 5  # how many of these, each
RECALLS = np.linspace(0, 1, 101)  # that the mean is taken at


class PrecisionRecall(NamedTuple):
    """The curve of a class.

    Attributes:
        name: Of the class.
        recall: Rising, ``(K,)``.
        precision: At each, ``(K,)``.
        scores: That predictions have at least, there, ``(K,)``.
        area: What is reported of the curve: its average precision.
    """

    name: str
    recall: np.ndarray
    precision: np.ndarray
    scores: np.ndarray
    area: float

    def best_f1(self) -> tuple[float, float]:
        """The highest harmonic mean of precision and recall, and the score it is reached at."""
        total = np.maximum(self.precision + self.recall, 1e-9)
        f1 = 2 * self.precision * self.recall / total
        best = int(f1.argmax())
        return float(f1[best]), float(self.scores[best])

    def at(self, recalls: np.ndarray) -> np.ndarray:
        """The best precision that there is at a recall or a higher one; 0 beyond the curve."""
        envelope = np.maximum.accumulate(self.precision[::-1])[::-1]
        places = np.searchsorted(self.recall, recalls - 1e-9)
        return np.append(envelope, 0.0)[places]


def draw_precision_recall(curves: Sequence[PrecisionRecall], path: Path, *, title: str) -> None:
    """Draws the curves and their mean, with the area below each and the score of its best F1.

    Args:
        curves: Of classes that there is something of; without any, nothing is drawn.
        path: Of the PNG.
        title: What counts as found.
    """
    if not curves:
        return
    figure = new_figure(9, 5.5)
    axes = figure.add_subplot(xlim=(0, 1.005), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    tidy(axes)
    axes.set_title(title, fontsize="medium")
    ordered = sorted(curves, key=lambda curve: -curve.area)
    named = ordered
    if len(curves) > MAX_NAMED:
        named = [*ordered[:ENDS], *ordered[-ENDS:]]
        for curve in ordered[ENDS:-ENDS]:
            axes.step(RECALLS, curve.at(RECALLS), color=LIGHT_GREY, linewidth=0.7)
    for number, curve in enumerate(named):
        f1, score = curve.best_f1()
        label = f"{short_name(curve.name)}  {curve.area:.3f}  F1 {f1:.2f} at {score:.2f}"
        style = line_style(number)
        axes.step(RECALLS, curve.at(RECALLS), label=label, linewidth=1.2, **style)
    mean = np.mean([curve.at(RECALLS) for curve in curves], axis=0)
    area = float(np.mean([curve.area for curve in curves]))
    axes.plot(RECALLS, mean, color=BLACK, linewidth=2.4, label=f"mean of {len(curves)}  {area:.3f}")
    heading = "average precision, best F1 at a score"
    if len(named) < len(curves):
        heading += f"\nof the {ENDS} best and worst"
    figure.legend(
        loc="outside right upper", frameon=False, fontsize="small", title=heading,
        title_fontsize="small",
    )  # fmt: skip
    write_figure(figure, path)
