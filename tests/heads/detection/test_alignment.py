"""Task-aligned assignment against a slow loop."""

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from heads.detection.alignment import Alignment, align_points
from heads.detection.matching import NO_OBJECT

POINTS = (
    torch.stack(
        torch.meshgrid(torch.arange(8) * 8 + 4, torch.arange(8) * 8 + 4, indexing="xy"), dim=-1
    ).reshape(-1, 2)
    / 1.0
)  # of an image of 64 pixels


def slow_alignment(
    boxes: Tensor, labels: Tensor, predicted: Tensor, scores: Tensor, *, per_object: int
) -> tuple[list[int], list[float]]:
    """One image, object by object."""
    wishes: list[list[tuple[float, int, int]]] = [[] for _ in POINTS]
    aligned = torch.zeros(len(boxes), len(POINTS), dtype=torch.double)
    iou = box_iou(boxes, predicted).double()
    for number, (box, label) in enumerate(zip(boxes, labels, strict=True)):
        x0, y0, x1, y1 = box.tolist()
        centre = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2])
        nearest = int((POINTS - centre).square().sum(1).argmin())
        found = []
        for point, (x, y) in enumerate(POINTS.tolist()):
            if (x0 < x < x1 and y0 < y < y1) or point == nearest:
                alignment = float(scores[point, label].double() * iou[number, point] ** 3)
                found.append((alignment, point))
        for alignment, point in sorted(found, reverse=True)[:per_object]:
            aligned[number, point] = alignment
            wishes[point].append((float(iou[number, point]), -number, number))
    matches, quality = [], []
    for point, wish in enumerate(wishes):
        number = max(wish)[2] if wish else NO_OBJECT
        matches.append(number)
        quality.append(float(aligned[number, point] / aligned[number].max()) if wish else 0.0)
    return matches, quality


def random_scene(num_objects: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    low = torch.rand(num_objects, 2) * 40
    boxes = torch.cat([low, low + 4 + torch.rand(num_objects, 2) * 20], dim=1)
    labels = torch.randint(0, 3, (num_objects,))
    sides = 4 + torch.rand(len(POINTS), 2) * 16
    predicted = torch.cat([POINTS - sides, POINTS + sides], dim=1)
    return boxes, labels, predicted, torch.rand(len(POINTS), 3)


@pytest.mark.parametrize("per_object", [1, 5, 100])
@pytest.mark.parametrize("num_objects", [1, 2, 8])
def test_equals_a_slow_loop(num_objects: int, per_object: int) -> None:
    torch.manual_seed(num_objects)
    scenes = [random_scene(num_objects) for _ in range(3)]
    boxes, labels, predicted, scores = (torch.stack(part) for part in zip(*scenes, strict=True))
    found = align_points(
        boxes, labels, POINTS, predicted_boxes=predicted, scores=scores, per_object=per_object
    )
    for image, scene in enumerate(scenes):
        matches, quality = slow_alignment(*scene, per_object=per_object)
        assert found.matches[image].tolist() == matches
        assert found.quality[image].tolist() == pytest.approx(quality, abs=1e-6)


def alignment(boxes: list[list[float]], labels: list[int], **changes: Tensor) -> Alignment:
    """For predictions of 16x16 around each point that score 0.01 for both classes."""
    predicted = torch.cat([POINTS - 8, POINTS + 8], dim=1)[None]
    arguments = {"predicted_boxes": predicted, "scores": torch.full((1, 64, 2), 0.01)} | changes
    return align_points(
        torch.tensor([boxes]).reshape(1, -1, 4),
        torch.tensor([labels]).reshape(1, -1),
        POINTS,
        per_object=3,
        **arguments,
    )


def test_without_objects_all_is_background() -> None:
    for found in (alignment([], []), alignment([[0.0, 0, 0, 0]], [-1])):
        assert (found.matches == NO_OBJECT).all()
        assert not found.quality.any()


def test_an_object_between_the_points_takes_the_nearest() -> None:
    found = alignment([[7.0, 7, 9, 9]], [0])
    assert (found.matches != NO_OBJECT).sum() == 1
    assert found.matches[0].argmax() in (0, 1, 8, 9)


def test_an_object_far_from_all_predictions_still_has_points() -> None:
    nowhere = torch.tensor([1000.0, 1000, 1001, 1001]).expand(1, 64, 4)
    found = alignment([[0.0, 0, 32, 32]], [0], predicted_boxes=nowhere)
    assert (found.matches != NO_OBJECT).sum() == 3


def test_the_best_point_should_score_one_and_the_others_their_share() -> None:
    box = [12.0, 12, 30, 30]  # around the point (20, 20), number 18
    found = alignment([box], [1])
    assert found.quality[0].argmax() == 18
    assert found.quality[0, 18] == 1
    drawn = torch.tensor([[12.0, 12, 28, 28], [20.0, 12, 36, 28]])  # by the point and the next
    best, next_best = box_iou(torch.tensor([box]), drawn)[0].tolist()
    assert found.quality[0, 19].item() == pytest.approx((next_best / best) ** 3, rel=1e-4)


def test_a_better_score_wins_between_equal_boxes() -> None:
    scores = torch.full((1, 64, 2), 0.01)
    scores[0, 10, 1] = 0.9
    same = torch.tensor([0.0, 0, 32, 32]).expand(1, 64, 4)
    found = alignment([[0.0, 0, 32, 32]], [1], predicted_boxes=same, scores=scores)
    assert found.quality[0].argmax() == 10
    assert found.quality.max() == 1
