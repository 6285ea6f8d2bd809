"""Probabilities of cells in a hierarchy, heads, and the nearest neighbour."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from heads.cells import CellHead
from heads.cells_album import AlbumCellHead
from tasks.common.training.schedule import constant
from tasks.geolocation.cells.adaptive import granularities, sorted_leaves
from tasks.geolocation.cells.partition import Partition, make_partition
from tasks.geolocation.task import PlanetTask
from tests.commands import ROOT, run_inside
from tests.small_runs import SMALL_RUN

CHANNELS = {"c5": 6}


def partition(*most: int) -> Partition:
    points = np.random.default_rng(0).uniform((-60, -170), (60, 170), (60, 2))
    return make_partition(sorted_leaves([points]), granularities(list(most), 1))


def make(cells: Partition, **settings: Any) -> PlanetTask:
    torch.manual_seed(0)
    wiring = {
        "backbone": MobileNet(width=0.25),
        "head": CellHead,
        "label_map": cells.label_map(),
        "image_size": 32,
        "optimizer": partial(torch.optim.SGD, lr=0.1),
        "schedule": constant,
        "location": "mean",
        "hierarchical": True,
        "albums": False,
    }
    return PlanetTask(**wiring | settings)


def test_a_cell_counts_with_those_it_lies_in() -> None:
    cells = partition(30, 10)
    coarse, fine = (len(part) for part in cells.granularities)
    given = torch.cat([torch.rand(2, coarse).softmax(1), torch.rand(2, fine).softmax(1)], dim=1)
    found = make(cells).cells.cell_probabilities(given)
    wanted = given[:, coarse:] * given[:, cells.parents[0]]
    assert torch.allclose(found, wanted / wanted.sum(1, keepdim=True))
    flat = make(cells, hierarchical=False).cells.cell_probabilities(given)
    assert torch.equal(flat, given[:, coarse:])


def test_a_prediction_is_a_cell_and_a_radius() -> None:
    cells = partition(10)
    task = make(cells)
    given = torch.zeros(1, len(cells.finest))
    given[0, 3] = 1
    (entry,) = task.entries(task.records(given, {"id": torch.tensor([0])}))
    place = (entry["location"]["latitude"], entry["location"]["longitude"])
    assert place == pytest.approx(tuple(cells.finest.points[3]), abs=1e-4)
    assert entry["location"]["radius_km"] > 0
    assert entry["cells"][0]["name"] == cells.label_map().names[3]
    task = make(cells, location="centre")
    assert np.allclose(task.points, cells.finest.centres)
    assert (task.draw(np.zeros((60, 90, 3), np.uint8), entry) > 0).any()
    with pytest.raises(InputError, match=r"task\.location=corner"):
        make(cells, location="corner")


def test_the_loss_is_the_sum_over_granularities() -> None:
    head = CellHead(in_channels=CHANNELS, num_classes=[3, 5])
    features = {"c5": torch.randn(4, 6, 2, 2)}
    target = torch.tensor([[0, 4], [1, 0], [2, 2], [0, 1]])
    logits = head.outputs(features)
    slow = sum(
        -(part - part.logsumexp(0))[index] / 4
        for row, indices in zip(logits, target, strict=True)
        for part, index in zip(row.split([3, 5]), indices, strict=True)
    )
    loss = head.loss(features, {"target": target})["cells"]
    assert torch.allclose(loss, slow)
    assert torch.allclose(head.predict(features, {}).sum(1), torch.full((4,), 2.0))


def test_photos_of_an_album_know_of_each_other_and_of_no_other_album() -> None:
    torch.manual_seed(0)
    head = AlbumCellHead(in_channels=CHANNELS, num_classes=5, hidden=4).eval()
    features = {"c5": torch.randn(5, 6, 2, 2)}
    album = torch.tensor([0, 0, 0, 7, 7])
    together = head.logits(features, {"album": album})
    for chosen in (slice(0, 3), slice(3, 5)):
        alone = head.logits({"c5": features["c5"][chosen]}, {"album": album[chosen]})
        assert torch.allclose(together[chosen], alone, atol=1e-6)
    singles = head.logits(features, {"album": torch.arange(5)})
    assert torch.allclose(singles, head.outputs(features), atol=1e-6)
    assert not torch.allclose(singles, together, atol=1e-3)
    loss = head.loss(features, {"album": album, "target": torch.zeros(5, 1, dtype=torch.long)})
    loss["cells"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())


TINY = (
    *(*SMALL_RUN, "data.num_train=48", "data.num_val=24", "data.image_size=32"),
    *("data.batch_size=8", "trainer.max_steps=1"),
)


def test_albums_granularities_and_neighbours_as_commands(tmp_path: Path) -> None:
    settings = ("head=cells_album", "data.album_size=4", "data.max_photos=20,8", "head.hidden=8")
    run = tmp_path / "run"
    done = run_inside("train", "task=planet", *TINY, *settings, f"run_dir={run}", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    checkpoint = f"checkpoint={run / 'checkpoints' / 'last.ckpt'}"
    found = ("model=im2gps", f"data.root={run / 'data'}", f"run_dir={tmp_path / 'knn'}")
    done = run_inside("eval", checkpoint, *found, "task.neighbours=3", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "knn" / "predictions.json").is_file()
    done = run_inside("train", "task=planet", "model=im2gps", *TINY, f"run_dir={run}2", cwd=ROOT)
    assert done.returncode == 2 and "nothing to train" in done.stderr
