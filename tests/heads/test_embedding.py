"""Embeddings towards a teacher's."""

import pytest
import torch
import torch.nn.functional as F

from backbone.errors import InputError
from heads.embedding import EmbeddingHead

FEATURES = {"c5": torch.rand(3, 8, 2, 2, generator=torch.Generator().manual_seed(0))}


def make(**settings: object) -> EmbeddingHead:
    torch.manual_seed(0)
    return EmbeddingHead(in_channels={"c5": 8}, num_classes=0, **{"dimension": 4} | settings)


def test_loss_is_two_less_twice_the_cosine_and_zero_for_the_teachers_own() -> None:
    head, target = make(), torch.randn(3, 4)
    loss = head.loss(FEATURES, {"target": target})["distillation"]
    cosines = F.cosine_similarity(head.outputs(FEATURES), target)
    assert loss.item() == pytest.approx((2 - 2 * cosines).mean().item(), abs=1e-6)
    same = head.loss(FEATURES, {"target": 3 * head.outputs(FEATURES).detach()})["distillation"]
    assert same.item() == pytest.approx(0, abs=1e-6)


def test_by_hand_without_normalisation() -> None:
    head = make(normalised=False)
    target = head.outputs(FEATURES).detach() + torch.tensor([1.0, 0, 2, 0])
    assert head.loss(FEATURES, {"target": target})["distillation"].item() == pytest.approx(5)


def test_every_parameter_gets_a_gradient() -> None:
    head = make()
    head.loss(FEATURES, {"target": torch.randn(3, 4)})["distillation"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())


def test_another_dimension_is_refused() -> None:
    with pytest.raises(InputError, match=r"head\.dimension=5"):
        make().loss(FEATURES, {"target": torch.randn(3, 5)})
