"""The attributes' loss against a slow loop, and what is unknown."""

import math

import torch
from torch import Tensor

from heads.attributes import AttributesHead

CHANNELS = {"c5": 6}
NAN = float("nan")


def head_and_features(batch: int = 3) -> tuple[AttributesHead, dict[str, Tensor]]:
    torch.manual_seed(0)
    head = AttributesHead(in_channels=CHANNELS, num_classes=2)
    return head, {"c5": torch.randn(batch, 6, 4, 4)}


def test_the_loss_is_the_mean_cross_entropy_of_what_is_known() -> None:
    head, features = head_and_features()
    target = torch.tensor([[1.0, 0.25], [NAN, 0.0], [0.0, NAN]])
    expected = [
        -(wanted * math.log(found) + (1 - wanted) * math.log(1 - found))
        for pair in zip(head.predict(features, {}).tolist(), target.tolist(), strict=True)
        for found, wanted in zip(*pair, strict=True)
        if not math.isnan(wanted)
    ]
    loss = head.loss(features, {"target": target})["attributes"]
    assert math.isclose(loss.item(), sum(expected) / 4, rel_tol=1e-5)


def test_every_parameter_learns_and_what_is_unknown_teaches_nothing() -> None:
    head, features = head_and_features()
    head.loss(features, {"target": torch.tensor([[1.0, NAN]] * 3)})["attributes"].backward()
    weight, bias = head.linear.weight.grad, head.linear.bias.grad
    assert weight is not None and bias is not None
    assert weight[0].abs().min() > 0 and not weight[1].any() and bias[0] and not bias[1]


def test_nothing_known_and_no_image_have_a_finite_loss() -> None:
    for batch in (2, 0):
        head, features = head_and_features(batch)
        loss = head.loss(features, {"target": torch.full((batch, 2), NAN)})["attributes"]
        loss.backward()
        assert float(loss) == 0


def test_classes_are_chosen_by_row() -> None:
    head, _ = head_and_features()
    chosen = head.select_classes(head.state_dict(), [1])
    assert torch.equal(chosen["linear.weight"], head.state_dict()["linear.weight"][1:])
    assert head.select_classes(head.state_dict(), None) == {}
