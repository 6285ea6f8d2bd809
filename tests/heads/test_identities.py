"""Losses from names of people beside slow and plain ones."""

import math
import sys
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backbone.errors import InputError
from heads.arcface import ArcFaceHead
from heads.embedding import EmbeddingHead
from heads.identities import IdentityHead
from heads.triplet import SemiHardTriplets, TripletHead

PEOPLE = torch.tensor([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])
FEATURES = {"c5": torch.rand(10, 8, 2, 2, generator=torch.Generator().manual_seed(0))}
SETTINGS = {
    TripletHead: {"margin": 0.2},
    ArcFaceHead: {"margin_rad": 0.5, "scale": 16.0},
}


def make(kind: type[IdentityHead], *, num_classes: int = 4) -> IdentityHead:
    torch.manual_seed(0)
    return kind(
        in_channels={"c5": 8},
        num_classes=num_classes,
        dimension=6,
        normalised=True,
        **SETTINGS[kind],
    )


def points_of(seed: int, *, spread: float) -> Tensor:
    """Points near one of their person's."""
    generator = torch.Generator().manual_seed(seed)
    homes = torch.randn(4, 6, generator=generator)[PEOPLE]
    points = homes + spread * torch.randn(len(PEOPLE), 6, generator=generator)
    return F.normalize(points.double())


def semi_hard(points: Tensor, people: list[int], margin: float) -> Iterator[float]:
    """The loss of each semi-hard triplet (FaceNet, equations 1 and 4)."""
    everyone = range(len(people))
    for anchor in everyone:
        for positive in everyone:
            if positive == anchor or people[positive] != people[anchor]:
                continue
            near = sum((a - b) ** 2 for a, b in zip(points[anchor], points[positive], strict=True))
            for negative in everyone:
                if people[negative] == people[anchor]:
                    continue
                pair = zip(points[anchor], points[negative], strict=True)
                far = sum((a - b) ** 2 for a, b in pair)
                if near < far < near + margin:
                    yield near - far + margin


@pytest.mark.parametrize("spread", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_triplets_are_the_semi_hard_ones(seed: int, spread: float) -> None:
    points = points_of(seed, spread=spread)
    losses = list(semi_hard(points.tolist(), PEOPLE.tolist(), 0.2))
    assert losses
    criterion = SemiHardTriplets(0.2)
    assert len(criterion.miner(points, PEOPLE)[0]) == len(losses)
    mean = sum(losses) / len(losses)
    assert criterion(points, PEOPLE).item() == pytest.approx(mean, abs=1e-9)


def test_without_a_triplet_there_is_nothing_to_learn() -> None:
    points = torch.randn(4, 6, requires_grad=True)
    loss = SemiHardTriplets(0.2)(points, torch.arange(4))
    loss.backward()
    assert loss.item() == 0 and not points.grad.any()


def arcface(points: Tensor, centres: Tensor, margin: float, scale: float) -> float:
    """The mean of equation 3 of ArcFace; beyond 180 degrees a slope instead, as it has it."""
    total = 0.0
    for point, person in zip(points, PEOPLE.tolist(), strict=True):
        cosines = [float(point @ centre / centre.norm()) for centre in centres]
        angle = math.acos(cosines[person])
        own = math.cos(angle + margin)
        if angle > math.pi - margin:
            own = cosines[person] - margin * math.sin(margin)
        logits = [scale * (own if i == person else cosine) for i, cosine in enumerate(cosines)]
        total += math.log(sum(map(math.exp, logits))) - logits[person]
    return total / len(points)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seed", range(3))
def test_arcface_is_its_formula(seed: int, sign: int) -> None:
    head = make(ArcFaceHead)
    points = points_of(seed, spread=0.3)
    # near the points of people, or on the other side of the sphere from them
    near = points + 0.1 * points_of(seed + 1, spread=1)
    centres = torch.stack([sign * near[person == PEOPLE].mean(0) for person in range(4)])
    head.criterion.W.data = 3 * centres.T
    loss = head.criterion(points, PEOPLE).item()
    assert loss == pytest.approx(arcface(points, centres, 0.5, 16.0), rel=1e-9)


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_parameter_gets_a_gradient(kind: type[IdentityHead]) -> None:
    head = make(kind)
    (loss,) = head.loss(FEATURES, {"target": PEOPLE}).values()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())


@pytest.mark.parametrize("kind", SETTINGS)
def test_rounding_to_bfloat16_leaves_the_loss_alone(kind: type[IdentityHead]) -> None:
    head = make(kind)
    points = points_of(0, spread=0.6).float()
    head.predict = lambda *_: points
    plain = head.loss(FEATURES, {"target": PEOPLE})
    with torch.autocast("cpu", torch.bfloat16):
        assert head.loss(FEATURES, {"target": PEOPLE}) == plain


@pytest.mark.parametrize("kind", SETTINGS)
def test_prediction_needs_neither_people_nor_the_library(
    kind: type[IdentityHead], monkeypatch: pytest.MonkeyPatch
) -> None:
    taught = make(kind)
    for name in [name for name in sys.modules if name.startswith("pytorch_metric_learning")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    with pytest.raises(InputError, match="needs pytorch-metric-learning: pip install"):
        make(kind)
    plain = EmbeddingHead(in_channels={"c5": 8}, num_classes=0, dimension=6)
    for head in (make(kind, num_classes=0), plain):
        head.load_state_dict(taught.select_classes(taught.state_dict(), []))
        assert torch.equal(head.predict(FEATURES, {}), taught.predict(FEATURES, {}))
        assert (head.name, head.settings()) == (taught.name, taught.settings())


@pytest.mark.parametrize("kind", SETTINGS)
def test_photos_of_a_person_come_together(kind: type[IdentityHead]) -> None:
    def apart() -> float:
        """Distance between photos of a person as a share of that between people."""
        points = head.predict(FEATURES, {}).detach()
        distances = torch.cdist(points, points)
        same = PEOPLE[:, None] == PEOPLE
        return float(distances[same].sum() / (same.sum() - len(PEOPLE)) / distances[~same].mean())

    head = make(kind)
    before = apart()
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        sum(head.loss(FEATURES, {"target": PEOPLE}).values()).backward()
        optimizer.step()
    assert apart() < 0.7 * before
