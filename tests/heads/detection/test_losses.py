"""Losses against torchvision's and against hand-written sums."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from heads.detection.losses import FocalLoss, SigmoidCrossEntropy, SoftmaxCrossEntropy

C = 5


def logits_and_targets() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 40, C, generator=generator) * 4
    return logits, torch.randint(0, C, (2, 40), generator=generator)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.75, 2.0), (0.5, 0.0), (0.3, 3.5)])
def test_focal_loss_equals_torchvisions(alpha: float, gamma: float) -> None:
    logits, targets = logits_and_targets()
    logits.requires_grad_()
    found = FocalLoss(alpha=alpha, gamma=gamma)(logits, targets)
    wanted = F.one_hot(targets, C)[..., 1:].float()  # background is no class
    expected = sigmoid_focal_loss(logits[..., 1:], wanted, alpha=alpha, gamma=gamma).sum(-1)
    torch.testing.assert_close(found, expected)
    slopes = [torch.autograd.grad(loss.sum(), logits)[0] for loss in (found, expected)]
    torch.testing.assert_close(*slopes)


def test_sigmoid_cross_entropy_is_a_sum_over_classes() -> None:
    logits, targets = logits_and_targets()
    found = SigmoidCrossEntropy()(logits, targets)
    assert found.shape == targets.shape
    for place in ((0, 0), (1, 7)):
        values = [
            math.log1p(math.exp(-logit if number == targets[place] else logit))
            for number, logit in enumerate(logits[place].tolist())
        ]
        assert found[place].item() == pytest.approx(sum(values), rel=1e-5)


def test_softmax_cross_entropy_is_the_log_of_the_share() -> None:
    logits, targets = logits_and_targets()
    found = SoftmaxCrossEntropy()(logits, targets)
    shares = logits.exp() / logits.exp().sum(-1, keepdim=True)
    expected = -shares.gather(-1, targets[..., None])[..., 0].log()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("loss", [SigmoidCrossEntropy(), FocalLoss(), SoftmaxCrossEntropy()])
def test_sure_and_wrong_stays_finite(loss: SigmoidCrossEntropy) -> None:
    logits = torch.tensor([[[-500.0, 500.0], [500.0, -500.0]]], requires_grad=True)
    values = loss(logits, torch.tensor([[0, 1]]))
    values.sum().backward()
    assert (values >= 100).all()
    assert torch.isfinite(logits.grad).all()


def test_scores_leave_background_out() -> None:
    logits, _ = logits_and_targets()
    torch.testing.assert_close(SigmoidCrossEntropy().scores(logits), logits[..., 1:].sigmoid())
    torch.testing.assert_close(FocalLoss().scores(logits), logits[..., 1:].sigmoid())
    torch.testing.assert_close(SoftmaxCrossEntropy().scores(logits), logits.softmax(-1)[..., 1:])
    assert [loss.activation for loss in (SigmoidCrossEntropy, FocalLoss, SoftmaxCrossEntropy)] == [
        "sigmoid", "sigmoid", "softmax",
    ]  # fmt: skip
