"""The paper's figures of accuracy against cost, with what has been measured since."""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from tasks.classification.figures import charts
from tasks.classification.figures.points import IMAGENET, run_point, table_points
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output

DRAWN = tuple(
    f"{name}.{suffix}"
    for name in ("figure[45]", "operations", "runs[0-9]*")
    for suffix in ("png", "svg")
)
COMPARED = ("8", "9", "figures")  # tables with the networks that MobileNet is compared with


def draw_figures(request: Request) -> list[Path]:
    """Draws the figures for ImageNet, and one for each other data set that runs were scored on.

    Args:
        request: Of ``configs/figures.yaml``.

    Returns:
        The files.
    """
    named = request.config.runs
    folders = [named] if isinstance(named, str) else named
    runs = [run_point(Path(str(folder))) for folder in folders]
    results = claim_output(request, written=DRAWN)
    mobilenets = table_points(["figure4"])
    measured = [run for run in runs if run.data_set == IMAGENET]
    figures = {
        "figure4": charts.accuracy_by_mult_adds([*mobilenets, *measured], data_set=IMAGENET),
        "figure5": charts.accuracy_by_params([*mobilenets, *measured], data_set=IMAGENET),
        "operations": charts.operations(
            [*mobilenets, *table_points(COMPARED), *measured], data_set=IMAGENET
        ),
    }
    for number, data_set in enumerate(sorted({run.data_set for run in runs} - {IMAGENET}), 1):
        points = [run for run in runs if run.data_set == data_set]
        figures[f"runs{number}"] = charts.operations(points, data_set=data_set)
    results.make_way()
    return [
        path for name, figure in figures.items() for path in _save(figure, results.folder / name)
    ]


def _save(figure: Figure, path: Path) -> list[Path]:
    """Writes a figure as PNG and as SVG, the same bytes every time."""
    files = [path.with_suffix(".png"), path.with_suffix(".svg")]
    with rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none"}):
        figure.savefig(files[0], dpi=200)
        figure.savefig(files[1], metadata={"Date": None})
    return files
