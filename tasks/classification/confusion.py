"""``confusion.png``: which classes were taken for which."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from tasks.common.charts.axes import new_figure, short_name, write_figure

MAX_CLASSES = 40  # that can be told apart in one chart: of more, the most confused ones are shown
MAX_NUMBERED = 24  # classes with the number of photos in each cell
OTHERS = "all others"
INCH_A_CLASS = 0.27


class Matrix(NamedTuple):
    """Photos by class and by what they were taken for.

    Attributes:
        truth: The rows, names of classes.
        taken: The columns: the same classes, then those that have no photos but were predicted.
        photos: How many, ``(len(truth), len(taken))``.
    """

    truth: tuple[str, ...]
    taken: tuple[str, ...]
    photos: np.ndarray

    def most_confused(self, count: int) -> "Matrix":
        """The rows and columns of the classes with most errors, and a column for all others.

        Args:
            count: Classes to keep; a matrix of no more is left as it is.
        """
        if len(self.taken) <= count:
            return self
        errors = self.photos.copy()
        np.fill_diagonal(errors, 0)
        by_class = errors.sum(axis=0)
        by_class[: len(self.truth)] += errors.sum(axis=1)
        kept = np.sort(np.argsort(-by_class, kind="stable")[:count])
        rows = kept[kept < len(self.truth)]
        photos = self.photos[rows]
        rest = np.delete(photos, kept, axis=1).sum(axis=1, keepdims=True)
        return Matrix(
            tuple(self.truth[index] for index in rows),
            (*(self.taken[index] for index in kept), OTHERS),
            np.concatenate([photos[:, kept], rest], axis=1),
        )


def confusion_matrix(truth: Sequence[str], taken: Sequence[str], names: Sequence[str]) -> Matrix:
    """Counts photos by the names of their class and of the class that they were taken for.

    Args:
        truth: Of each photo.
        taken: Of each photo.
        names: Of the data set's classes, in their order; those without photos are left out.
    """
    there, predicted = set(truth), set(taken)
    rows = [name for name in names if name in there]
    columns = [*rows, *(name for name in names if name in predicted - there)]
    columns += sorted(predicted - set(columns))  # classes that only the network has
    place = {name: index for index, name in enumerate(columns)}
    photos = np.zeros((len(rows), len(columns)), np.int64)
    np.add.at(photos, ([place[name] for name in truth], [place[name] for name in taken]), 1)
    return Matrix(tuple(rows), tuple(columns), photos)


def draw_confusion(matrix: Matrix, path: Path) -> None:
    """Draws the matrix, darker where more of a class were taken so; of no photos nothing.

    Args:
        matrix: Of all classes.
        path: Of the PNG.
    """
    shown = matrix.most_confused(MAX_CLASSES)
    if not shown.photos.size:
        return
    height, width = (
        max(INCH_A_CLASS * len(names) + 2.4, 4.5) for names in (shown.truth, shown.taken)
    )
    figure = new_figure(width + 1, height)
    axes = figure.add_subplot(xlabel="predicted", ylabel="true")
    shares = shown.photos / shown.photos.sum(axis=1, keepdims=True)
    drawn = np.ma.masked_equal(shares, 0)
    # a share of a few in a hundred is to be seen, too
    image = axes.imshow(drawn, cmap="Blues", norm=LogNorm(0.005, 1), aspect="equal")
    figure.colorbar(image, ax=axes, shrink=0.6, label="share of the class", format="%g")
    for axis, names in ((axes.xaxis, shown.taken), (axes.yaxis, shown.truth)):
        axis.set_ticks(range(len(names)), [short_name(name) for name in names], fontsize="small")
    axes.tick_params(axis="x", rotation=90)
    axes.set_xticks(np.arange(len(shown.taken) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(shown.truth) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#dddddd", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    if len(shown.taken) <= MAX_NUMBERED:
        _write_numbers(axes, shown, shares)
    if shown is not matrix:
        axes.set_title(
            f"The {len(shown.taken) - 1} most confused of {len(matrix.taken)} classes",
            fontsize="medium",
        )
    write_figure(figure, path)


def _write_numbers(axes: Axes, matrix: Matrix, shares: np.ndarray) -> None:
    for row, column in zip(*matrix.photos.nonzero(), strict=True):
        colour = "white" if shares[row, column] > 0.3 else "black"
        number = str(matrix.photos[row, column])
        axes.text(column, row, number, ha="center", va="center", color=colour, fontsize="x-small")
