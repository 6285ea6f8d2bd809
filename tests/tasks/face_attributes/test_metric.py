"""Mean average precision in named cases, and against scikit-learn's."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from tasks.common.data.labels import LabelMap
from tasks.face_attributes.faces import LabelledFaces, attribute_map
from tasks.face_attributes.metric import AttributesMetric, average_precision
from tasks.face_attributes.records import AttributeRecords

NAMES = ("hat", "smile", "wings")
NAN = float("nan")
TRUTH = [[1, 1, 0], [0, 1, 0], [1, 0, 0], [0, NAN, 0]]
SHAPES = ["round", "round", "long", "long"]


def faces(targets: list[list[float]] = TRUTH) -> LabelledFaces:
    names = np.array([f"{number}.jpg".encode() for number in range(len(targets))])
    groups = {"shape": np.array(SHAPES[: len(targets)])}
    return LabelledFaces(
        Path("faces"), names, np.array(targets, np.float32), attribute_map(NAMES), groups=groups
    )


def metric_of(
    scores: list[list[float]], network: LabelMap | None = None, **data: list[list[float]]
) -> AttributesMetric:
    metric = AttributesMetric(faces(**data), network=network or attribute_map(NAMES))
    if scores:
        metric.update(AttributeRecords(torch.arange(len(scores)), torch.tensor(scores)))
    return metric


def test_perfect() -> None:
    metric = metric_of([[0.9, 0.9, 0.1], [0.1, 0.8, 0.1], [0.8, 0.2, 0.1], [0.2, 0.9, 0]])
    assert metric.compute() == {"mean_ap": 1.0, "num_attributes": 2, "accuracy": 1.0}


def test_by_hand() -> None:
    # hat: ranks 1 and 3 of 4; smile: ranks 2 and 3 of the 3 that are known
    metric = metric_of([[0.9, 0.5, 0], [0.8, 0.4, 0], [0.7, 0.6, 0], [0.1, 0.9, 0]])
    hat, smile = (1 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2
    assert metric.compute()["mean_ap"] == pytest.approx((hat + smile) / 2)
    rows = metric.by_attribute()
    assert [(row.attribute, row.faces, row.known) for row in rows] == [
        ("hat", 2, 4),
        ("smile", 2, 3),
        ("wings", 0, 4),
    ]
    assert math.isnan(rows[2].average_precision)


def test_the_curves_that_are_drawn_have_the_areas_of_the_figures() -> None:
    metric = metric_of([[0.9, 0.5, 0], [0.8, 0.4, 0], [0.7, 0.6, 0], [0.1, 0.9, 0]])
    metric.compute()
    curves = {curve.name: curve for curve in metric.precision_recall()}
    assert curves.keys() == {"hat", "smile"}  # no face has wings
    assert curves["hat"].recall.tolist() == [0.5, 0.5, 1, 1]
    assert curves["hat"].precision == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert curves["hat"].scores == pytest.approx([0.9, 0.8, 0.7, 0.1])
    for curve in curves.values():
        steps = np.diff(curve.recall, prepend=0)
        assert (steps * curve.precision).sum() == pytest.approx(curve.area)


def test_what_all_faces_have_tells_nothing_and_is_left_out() -> None:
    every = [[1, 1, NAN], [0, 1, NAN], [1, 1, NAN], [0, 1, 0]]
    metric = metric_of([[0.9, 0.5, 0], [0.8, 0.4, 0], [0.7, 0.6, 0], [0.1, 0.9, 0]], targets=every)
    found = metric.compute()
    assert (found["mean_ap"], found["num_attributes"]) == (pytest.approx((1 + 2 / 3) / 2), 1)
    assert [row.telling for row in metric.by_attribute()] == [True, False, False]


def test_no_face_and_no_attribute_give_zero() -> None:
    nothing = {"mean_ap": 0.0, "num_attributes": 0, "accuracy": 0.0}
    assert metric_of([]).compute() == nothing
    unknown = metric_of([[0.5] * 3] * 2, targets=[[NAN] * 3] * 2)
    assert unknown.compute() == nothing


@pytest.mark.parametrize("seed", range(20))
def test_it_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(60) < rng.uniform(0.05, 0.95)
    truth[0] = True
    scores = rng.integers(0, 8, 60) / 8 if seed % 2 else rng.random(60)  # half of them with ties
    expected = average_precision_score(truth, scores)
    assert average_precision(scores, truth) == pytest.approx(expected, abs=1e-12)


def test_groups_are_compared_over_what_tells_in_all_of_them() -> None:
    metric = metric_of([[0.9, 0.5, 0], [0.95, 0.4, 0], [0.7, 0.6, 0], [0.1, 0.9, 0]])
    metric.compute()
    rows = {row.group: row for row in metric.by_group()}
    # no round face is known not to smile, and none has wings
    assert {row.attributes for row in rows.values()} == {1}
    assert (rows["round"].mean_ap, rows["long"].mean_ap) == (0.5, 1.0)


def test_processes_gather_their_rows_and_no_face_counts_twice() -> None:
    scores = torch.tensor([[0.9, 0.5, 0], [0.8, 0.4, 0], [0.7, 0.6, 0], [0.1, 0.9, 0]])
    shares = [metric_of([]) for _ in range(2)]
    for metric, ids in zip(shares, ([0, 1], [1, 2, 3]), strict=True):
        metric.update(AttributeRecords(torch.tensor(ids), scores[ids]))
    for name, reduce in shares[0]._reductions.items():
        both = torch.stack([getattr(metric, name) for metric in shares])
        setattr(shares[0], name, reduce(both))
    assert shares[0].compute() == metric_of(scores.tolist()).compute()


def test_the_networks_own_order_and_attributes_it_does_not_know() -> None:
    network = LabelMap(("smile", "beard"), (4, 5))
    metric = metric_of([[0.9, 0.1], [0.8, 0.1], [0.1, 0.1], [0.5, 0.9]], network=network)
    assert metric.compute()["mean_ap"] == pytest.approx(0.5)  # 1 for smiles, 0 for hats


def test_what_is_written_can_be_checked(tmp_path: Path) -> None:
    metric = metric_of([[0.9, 0.5, 0], [0.8, 0.4, 0], [0.7, 0.6, 0], [0.1, 0.9, 0]])
    metric.compute()
    metric.reset()  # as at the end of every validation
    metric.save(tmp_path)
    rows = json.loads((tmp_path / "predictions.json").read_text())
    assert [row["attributes"][0]["score"] for row in rows] == pytest.approx([0.9, 0.8, 0.7, 0.9])
    assert [row["attributes"][0]["name"] for row in rows] == ["hat", "hat", "hat", "smile"]
    with (tmp_path / "attributes.csv").open() as file:
        assert [row["faces"] for row in csv.DictReader(file)] == ["2", "2", "0"]
    with (tmp_path / "groups.csv").open() as file:
        assert {row["group"] for row in csv.DictReader(file)} == {"round", "long"}
