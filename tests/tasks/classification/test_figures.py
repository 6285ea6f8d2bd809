"""What the figures of accuracy against cost show."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from backbone.errors import InputError
from tasks.classification.figures import charts
from tasks.classification.figures.points import IMAGENET, PAPER, RELEASED, RUN, Point, run_point
from tests.commands import run_inside
from tests.tasks.classification.classifiers import write_run, write_scored

DOGS = {"data": "dogs.StanfordDogsData", "root": "/photos/dogs"}
FOLDERS = {"data": "imagenet.ImageNetData", "root": "/photos/imagenet"}


def point(source: str, accuracy: float, mult_adds: float, **changed: object) -> Point:
    """A network of the width that its parameters say."""
    settings = {"params": 4_200_000, "width": 1.0, "resolution": 224} | changed
    return Point(source, f"{accuracy}", accuracy, int(mult_adds * 1e6), **settings)


POINTS = [
    *(point(RELEASED, 70 - 4 * step, 512 / 2**step) for step in range(3)),  # 4 for each doubling
    point(RELEASED, 60, 64, width=0.75, params=2_600_000, resolution=192),
    point(RELEASED, 50, 64, width=0.5, params=1_300_000, resolution=160),
    point(RELEASED, 30, 16, width=0.25, params=500_000, resolution=128),  # far under the line
    point(PAPER, 71, 512),
    point(RUN, 65, 100, width=None, params=9_000_000),
]


def drawn(figure: Figure) -> list[list[float]]:
    """Where the dots of a figure are, sorted."""
    (axes,) = figure.axes
    dots = [np.asarray(dots.get_offsets()) for dots in axes.collections]
    return sorted(np.concatenate([some for some in dots if len(some)]).tolist())


def test_every_network_is_drawn_at_its_cost_and_accuracy() -> None:
    by_mult_adds = sorted([p.mult_adds, p.accuracy] for p in POINTS)
    by_params = sorted([p.params, p.accuracy] for p in POINTS)
    for draw, expected in (
        (charts.accuracy_by_mult_adds, by_mult_adds),
        (charts.accuracy_by_params, by_params),
        (charts.operations, by_mult_adds),
    ):
        figure = draw(POINTS, data_set="somewhere")
        (axes,) = figure.axes
        assert drawn(figure) == expected
        assert axes.get_xscale() == "log"
        assert "somewhere" in axes.get_title()


def test_areas_are_parameters() -> None:
    (axes,) = charts.operations(POINTS, data_set="somewhere").axes
    areas = sorted(area for dots in axes.collections for area in dots.get_sizes())
    expected = sorted(charts.AREA_OF_A_MILLION * p.params / 1e6 for p in POINTS)
    assert areas == pytest.approx(expected)


def test_colours_are_widths_and_resolutions() -> None:
    for draw, family, colours in (
        (charts.accuracy_by_mult_adds, "width", charts.WIDTHS),
        (charts.accuracy_by_params, "resolution", charts.RESOLUTIONS),
    ):
        (axes,) = draw(POINTS, data_set="somewhere").axes
        edges = [tuple(edge) for dots in axes.collections for edge in dots.get_edgecolors()]
        expected = [
            to_rgba(colours.get(getattr(p, family), charts.GREY))
            for source in (PAPER, RELEASED, RUN)
            for p in POINTS
            if p.source == source
        ]
        assert edges == expected


def test_the_line_is_that_of_the_wide_networks() -> None:
    wide = [p for p in POINTS if p.source == RELEASED and p.width == 1.0]
    slope, start = charts.log_line(wide)
    assert (slope, start) == pytest.approx((4, 70 - 4 * 9))


def overlap(a, b) -> bool:
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


def test_names_of_crowded_runs_do_not_overlap() -> None:
    crowd = [point(RUN, 60 + number / 10, 100 + number, width=None) for number in range(6)]
    figure = charts.operations(crowd, data_set="somewhere")
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert len(boxes) == 6
    assert not any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_run_says_what_it_was_measured_on(tmp_path: Path) -> None:
    plain = write_run(tmp_path / "plain", accuracy=0.7, **FOLDERS)
    assert run_point(plain) == Point(RUN, "plain", 70, 20_000_000, 400_000, 0.25, 160, IMAGENET)
    write_scored(plain, classes=1000, photos=50)
    assert run_point(plain).data_set == IMAGENET
    write_scored(plain, classes=10, photos=50)  # ImageNet's reader takes any folders
    assert run_point(plain).data_set == "/photos/imagenet (500 photos of 10 classes)"
    write_scored(plain, classes=1000, photos=10)
    assert run_point(plain).data_set == "/photos/imagenet (10000 photos of 1000 classes)"
    assert run_point(write_run(tmp_path / "dogs", accuracy=0.8, **DOGS)).data_set == "/photos/dogs"


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"metrics\.json cannot be read"):
        run_point(tmp_path)
    detector = write_run(tmp_path / "detector", accuracy=0.8, **DOGS)
    (detector / "metrics.json").write_text('{"val/map": 0.2, "mult_adds": 1, "num_params": 1}')
    with pytest.raises(InputError, match="no run folder of a classifier"):
        run_point(detector)
    (detector / "config.yaml").write_text("a: [")
    with pytest.raises(InputError, match=r"config\.yaml cannot be read"):
        run_point(detector)


def texts(path: Path) -> str:
    return " ".join(re.findall(r"<text[^>]*>([^<]*)<", path.read_text()))


def test_the_command_keeps_data_sets_apart(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "on_imagenet", accuracy=0.48, **FOLDERS),
        write_run(tmp_path / "on_dogs", accuracy=0.9, **DOGS),
    ]
    (tmp_path / "drawn").mkdir()
    earlier = tmp_path / "drawn" / "runs2.svg"
    earlier.touch()
    given = (f"runs={runs[0]},{runs[1]}", f"output={tmp_path / 'drawn'}")
    done = run_inside("figures", *given, cwd=tmp_path)
    assert done.returncode == 2 and "holds results already (runs2.svg)" in done.stderr
    done = run_inside("figures", *given, "overwrite=true", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not earlier.exists()
    written = [Path(line) for line in done.stdout.splitlines()]
    names = ("figure4", "figure5", "operations", "runs1")
    assert [path.name for path in written] == [f"{n}{s}" for n in names for s in (".png", ".svg")]
    assert all(path.stat().st_size > 10_000 for path in written)
    for path in written[1:6:2]:
        assert "on_imagenet" in texts(path) and "on_dogs" not in texts(path)
    assert "/photos/dogs" in texts(written[7]) and "on_dogs" in texts(written[7])
    assert "on_imagenet" not in texts(written[7])
    for network in ("GoogLeNet", "VGG16", "SqueezeNet", "AlexNet", "Inception V3", "1.0-224"):
        assert network in texts(written[5])
