"""SSD's outputs and detections against slow loops."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import nms

from heads.detection.boxes import cxcywh_to_xyxy, decode
from heads.detection.losses import SoftmaxCrossEntropy
from heads.ssd import Detections, SSDHead, SSDOutputs
from tests.heads.networks import NUM_CLASSES, SIDE, batch_of, random_features, small_head

NUM_ANCHORS = 96
Rows = list[tuple[list[float], float, int]]


def fix_outputs(head: SSDHead, logits: Tensor, boxes: Tensor | None = None) -> None:
    codes = torch.zeros(*logits.shape[:2], 4) if boxes is None else boxes
    head.outputs = lambda _: SSDOutputs(logits, codes)  # type: ignore[method-assign]


def predict(head: SSDHead, num_images: int, side: int = SIDE) -> list[Rows]:
    found = head.predict(random_features(num_images, side), batch_of([[]] * num_images,
                         [[]] * num_images, side=side))  # fmt: skip
    assert (found.image.diff() >= 0).all()
    assert found.boxes.shape == (len(found.image), 4)
    return [rows_of(found, image) for image in range(num_images)]


def rows_of(found: Detections, image: int) -> Rows:
    chosen = found.image == image
    boxes, scores, labels = (x[chosen].tolist() for x in found[1:4])
    return list(zip(boxes, scores, labels, strict=True))


def slow_predict(head: SSDHead, logits: Tensor, codes: Tensor, side: int = SIDE) -> Rows:
    """One image, class by class."""
    image = torch.zeros(1, 3, side, side)
    anchors = head.anchors(random_features(1, side), image)
    boxes = cxcywh_to_xyxy(decode(codes, anchors)).clamp(0, side)
    scores = head.classification.scores(logits)
    order = scores.flatten().sort(descending=True).indices[: head.max_candidates]
    allowed = torch.zeros_like(scores, dtype=torch.bool).flatten().scatter(0, order, True)
    allowed = allowed.view_as(scores) & (scores > head.score_threshold)
    rows: Rows = []
    for label in range(scores.shape[1]):
        mine = allowed[:, label].nonzero()[:, 0]
        kept = mine[nms(boxes[mine], scores[mine, label], head.nms_iou)]
        rows += [(boxes[a].tolist(), scores[a, label].item(), label) for a in kept]
    return sorted(rows, key=lambda row: -row[1])[: head.max_detections]


@pytest.mark.parametrize("num_images", [1, 4])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_detections": 5},
        {"max_candidates": 20},
        {"score_threshold": 0.9},
        {"nms_iou": 0.1},
        {"classification": SoftmaxCrossEntropy(), "score_threshold": 0.4},
    ],
    ids=lambda settings: ", ".join(settings) or "defaults",
)
@pytest.mark.parametrize("side", [64, 50])
def test_detections_equal_those_of_a_slow_loop(
    num_images: int, settings: dict[str, object], side: int
) -> None:
    head = small_head(**settings)
    logits = torch.randn(num_images, NUM_ANCHORS, NUM_CLASSES) * 3
    codes = torch.randn(num_images, NUM_ANCHORS, 4) * 2
    logits[0] -= 2  # an image with fewer
    fix_outputs(head, logits, codes)
    total = 0
    for image, rows in enumerate(predict(head, num_images, side)):
        expected = slow_predict(head, logits[image], codes[image], side)
        total += len(expected)
        assert [row[2] for row in rows] == [row[2] for row in expected]
        assert [row[1] for row in rows] == pytest.approx([row[1] for row in expected])
        for (box, _, _), (other, _, _) in zip(rows, expected, strict=True):
            assert box == pytest.approx(other, abs=1e-3)
    assert total > 0


def test_nothing_found() -> None:
    head = small_head()
    fix_outputs(head, torch.full((3, NUM_ANCHORS, NUM_CLASSES), -20.0))
    assert predict(head, 3) == [[], [], []]


def test_an_image_without_detections_between_others() -> None:
    head = small_head()
    logits = torch.full((3, NUM_ANCHORS, NUM_CLASSES), -20.0)
    logits[0, 7, 1], logits[2, 90, 3] = 1.0, 2.0
    fix_outputs(head, logits)
    first, second, third = predict(head, 3)
    assert (len(first), second, len(third)) == (1, [], 1)
    assert first[0][1:] == (pytest.approx(0.7311, abs=1e-4), 0)
    assert third[0][1:] == (pytest.approx(0.8808, abs=1e-4), 2)


def test_equal_boxes_and_scores_leave_one_a_class_and_image() -> None:
    head = small_head()
    logits = torch.full((2, NUM_ANCHORS, NUM_CLASSES), -20.0)
    logits[:, :10, 1:] = 2.0
    anchors = head.anchors(random_features(1), torch.zeros(1, 3, SIDE, SIDE))
    target = torch.tensor([32.0, 32, 20, 20])
    codes = torch.zeros(2, NUM_ANCHORS, 4)
    codes[:, :, :2] = (target[:2] - anchors[:, :2]) / anchors[:, 2:] * 10
    codes[:, :, 2:] = (target[2:] / anchors[:, 2:]).log() * 5
    fix_outputs(head, logits, codes)
    for rows in predict(head, 2):
        assert sorted(label for _, _, label in rows) == [0, 1, 2]
        assert all(box == pytest.approx([22, 22, 42, 42], abs=1e-3) for box, _, _ in rows)


def test_boxes_end_at_the_image() -> None:
    head = small_head()
    codes = torch.full((1, NUM_ANCHORS, 4), 15.0)  # far too large
    fix_outputs(head, torch.full((1, NUM_ANCHORS, NUM_CLASSES), 1.0), codes)
    (rows,) = predict(head, 1)
    assert rows
    assert all(0 <= value <= SIDE for box, _, _ in rows for value in box)


@torch.no_grad()
def test_outputs_are_in_the_order_of_the_anchors() -> None:
    """Each map's layer is set to tell its place, which the anchors must tell too."""
    head = small_head().eval()
    features = random_features(1, 96)  # maps of 6, 3, 2, 1, 1, 1
    anchors = head.anchors(features, torch.zeros(1, 3, 96, 96))
    maps = [torch.zeros(1, 1, n, n) for n in (6, 3, 2, 1, 1, 1)]
    head.maps = lambda _: maps  # type: ignore[method-assign]
    head.box_layers = nn.ModuleList(
        nn.Conv2d(1, 4 * len(shapes), 1) for shapes in head.anchor_shapes
    )
    head.class_layers = nn.ModuleList(
        nn.Conv2d(1, NUM_CLASSES * len(shapes), 1) for shapes in head.anchor_shapes
    )
    for x, layer, shapes in zip(maps, head.box_layers, head.anchor_shapes, strict=True):
        row = (torch.arange(x.shape[-2]) + 0.5) / x.shape[-2] * 96
        column = (torch.arange(x.shape[-1]) + 0.5) / x.shape[-1] * 96
        x[0, 0] = row[:, None] * 1000 + column  # both in one number
        layer.weight.fill_(1)
        layer.bias.copy_(
            torch.tensor([[0, 0, *(96 * s for s in shape)] for shape in shapes]).flatten()
        )
    boxes = head.outputs(features).boxes[0]
    place = anchors[:, 1] * 1000 + anchors[:, 0]
    torch.testing.assert_close(boxes[:, 0], place)
    torch.testing.assert_close(boxes[:, 2:] - place[:, None], anchors[:, 2:], atol=1e-2, rtol=0)


@pytest.mark.parametrize("bias", [-4.6, 0.0])
def test_classes_start_as_rare_as_asked(bias: float) -> None:
    for layer in small_head(class_bias=bias).class_layers:
        by_anchor = layer.bias.detach().view(-1, NUM_CLASSES)
        assert (by_anchor[:, 0] == 0).all()
        assert (by_anchor[:, 1:] == bias).all()


def test_selected_classes_give_the_same_logits() -> None:
    torch.manual_seed(0)
    wide = small_head().eval()
    nn.init.normal_(wide.class_layers[0].bias)
    narrow = SSDHead(
        in_channels={"c4": 16, "c5": 32}, num_classes=3, classification=wide.classification
    ).eval()
    narrow.load_state_dict(narrow.select_classes(wide.state_dict(), [2, 0]))
    features = random_features(2)
    expected = wide.outputs(features)
    found = narrow.outputs(features)
    torch.testing.assert_close(found.logits, expected.logits[..., [0, 3, 1]])
    torch.testing.assert_close(found.boxes, expected.boxes)
    left = wide.select_classes(wide.state_dict(), None)
    assert left and not any(name.startswith("class_layers") for name in left)
