import csv

from tasks.common.training.watching.curve import CurveLogger


def read(path):
    with path.open() as file:
        return [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]


def a_run(path, steps):
    curve = CurveLogger(path, first_step=0)
    for step in steps:
        curve.log_metrics({"train/loss": 1 / (step + 3)}, step)
    return curve


def test_rows_are_there_at_once(tmp_path):
    path = tmp_path / "metrics.csv"
    for step, _ in enumerate(range(3), start=1):
        a_run(path, range(step))
        assert len(read(path)) == step


def test_later_figures_join_the_row_of_their_step(tmp_path):
    path = tmp_path / "metrics.csv"
    a_run(path, range(2)).log_metrics({"val/map": 0.5}, 1)
    assert read(path)[1] == {"step": "1", "train/loss": "0.25", "val/map": "0.5"}


def test_resuming_keeps_what_came_before_and_nothing_else(tmp_path):
    path = tmp_path / "metrics.csv"
    a_run(path, range(12))
    before = path.read_bytes().splitlines()
    resumed = CurveLogger(path, first_step=5)
    for step in range(5, 12):
        resumed.log_metrics({"train/loss": 1 / (step + 3)}, step)
    assert path.read_bytes().splitlines() == before


def test_a_row_cut_short_is_not_taken_for_another(tmp_path):
    path = tmp_path / "metrics.csv"
    a_run(path, range(12))
    path.write_bytes(path.read_bytes().rpartition(b"11,")[0] + b"1")  # step 11, half written
    rows = CurveLogger(path, first_step=11).rows
    assert sorted(rows) == list(range(11))
    assert float(rows[1]["train/loss"]) == 0.25


def test_a_new_run_starts_an_empty_curve(tmp_path):
    path = tmp_path / "metrics.csv"
    a_run(path, range(4))
    a_run(path, [0])
    assert len(read(path)) == 1
