"""Boxes as distances to the sides."""

import pytest
import torch

from heads.detection.distances import decode_distances, distribution_focal_loss

POINT = torch.tensor([[20.0, 30.0]])
STRIDE = torch.tensor([[8.0, 4.0]])


def certain(*distances: int) -> torch.Tensor:
    """Logits of distances that are sure, of eight."""
    return torch.nn.functional.one_hot(torch.tensor([distances]), 8) * 1000.0


def test_distances_are_strides_from_the_point() -> None:
    (box,) = decode_distances(certain(1, 2, 0, 7), POINT, STRIDE).tolist()
    assert box == [20 - 8, 30 - 2 * 4, 20, 30 + 7 * 4]


def test_a_distance_is_the_mean_of_its_distribution() -> None:
    logits = torch.tensor([0.1, 0.2, 0.7]).log().expand(1, 4, 3)
    (box,) = decode_distances(logits, POINT, STRIDE).tolist()
    assert box == pytest.approx([20 - 1.6 * 8, 30 - 1.6 * 4, 20 + 1.6 * 8, 30 + 1.6 * 4])


def test_loss_is_the_cross_entropy_of_the_neighbours() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 4, 8)
    sides = torch.rand(5, 4) * 6.9
    low, high = (POINT - sides[:, :2] * STRIDE), (POINT + sides[:, 2:] * STRIDE)
    found = distribution_focal_loss(
        logits, torch.cat([low, high], dim=1), POINT.expand(5, 2), STRIDE.expand(5, 2)
    )
    for row in range(5):
        terms = []
        for side in range(4):
            shares = logits[row, side].softmax(0)
            distance = sides[row, side].item()
            below = int(distance)
            terms.append(
                -(below + 1 - distance) * shares[below].log()
                - (distance - below) * shares[below + 1].log()
            )
        assert found[row].item() == pytest.approx(torch.stack(terms).mean().item(), abs=1e-4)


def test_what_the_bins_do_not_reach_counts_as_the_last() -> None:
    far = torch.tensor([[20.0 - 1000, 30 - 1000, 20 + 1000, 30 + 1000]])
    assert distribution_focal_loss(certain(7, 7, 7, 7), far, POINT, STRIDE).item() == 0


def test_a_point_outside_its_box_learns_the_nearest_distance() -> None:
    beside = torch.tensor([[30.0, 30, 60, 38]])  # ten pixels to the right
    assert distribution_focal_loss(certain(0, 0, 5, 2), beside, POINT, STRIDE).item() == 0
