"""The curves of a run, from its table."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.common.charts.precision_recall import PrecisionRecall, draw_precision_recall
from tasks.common.charts.training_curves import (
    LEARNING_RATE,
    LOSSES,
    draw_curves,
    panels_of,
    read_curves,
    smoothed,
)

STEPS = 200


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """200 steps with a validation after every 50th; the last figure is of nothing."""
    rows = []
    for step in range(STEPS):
        row: dict[str, object] = {"step": step, "epoch": step // 50}
        row |= {"train/loss": 3.0, "train/box": 1.0, "train/class": 2.0}
        row |= {"train/learning_rate": 1e-3, "train/images_per_second": 9.0}
        if step % 50 == 49:
            row |= {"val/map": step / STEPS, "val/map_50": step / 250, "val/map/cat": 0.5}
            row |= {"val/num_things": 7, "val/median_km": 900 - step, "val/map_large": "nan"}
        rows.append(row)
    with (tmp_path / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[-1]))
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def test_each_figure_is_where_it_belongs(run: Path) -> None:
    panels = panels_of(read_curves(run / "metrics.csv"), monitor="val/map")
    assert {title: set(curves) for title, curves in panels.items()} == {
        LOSSES: {"train/loss", "train/box", "train/class"},
        "val/map": {"val/map"},
        LEARNING_RATE: {"train/learning_rate"},
        "other figures in validation": {"val/map_50"},
        "val/median_km": {"val/median_km"},
    }
    steps, values = panels["val/map"]["val/map"]
    assert steps.tolist() == [50, 100, 150, 200]
    assert values == pytest.approx([0.245, 0.495, 0.745, 0.995])


def test_they_are_drawn(run: Path) -> None:
    draw_curves(run, monitor="val/map", chosen="best of epoch 2 (step 100)", step=100)
    with Image.open(run / "curves.png") as picture:
        assert picture.width > 1000 and picture.height > 900  # three rows of two
        assert np.ptp(np.array(picture.convert("L"))) > 200


def test_without_a_table_nothing_is_drawn(tmp_path: Path) -> None:
    draw_curves(tmp_path, monitor="val/map", chosen="last", step=0)
    (tmp_path / "metrics.csv").write_text("step,epoch\n")
    draw_curves(tmp_path, monitor="val/map", chosen="last", step=0)
    assert not (tmp_path / "curves.png").exists()


def test_smoothing_keeps_a_line_as_it_is() -> None:
    steps, values = smoothed(np.arange(300), np.arange(300) * 2.0)
    assert len(steps) > 250 and values == pytest.approx(steps * 2)


def test_the_best_f1_by_hand(tmp_path: Path) -> None:
    recall, precision = np.array([0.2, 0.5, 1.0]), np.array([1.0, 0.8, 0.4])
    curve = PrecisionRecall("_a $", recall, precision, np.array([0.9, 0.6, 0.1]), 0.7)
    f1, score = curve.best_f1()
    assert (f1, score) == (pytest.approx(2 * 0.8 * 0.5 / 1.3), 0.6)
    assert curve.at(np.array([0, 0.2, 0.3, 1.0])).tolist() == [1.0, 1.0, 0.8, 0.4]
    draw_precision_recall([curve] * 20, tmp_path / "many.png", title="")
    draw_precision_recall([], tmp_path / "none.png", title="")
    assert [path.name for path in tmp_path.iterdir()] == ["many.png"]
