"""What counts as the same where values are only near."""

import torch

from heads.detection.detections import Detections
from tasks.common.exported.int8.agreement import agreeing_detections, agreement_line


def detections(*rows: tuple[int, tuple[float, ...], float, int]) -> Detections:
    image, boxes, scores, labels = zip(*rows, strict=True)
    return Detections(*map(torch.tensor, (image, boxes, scores, labels)))


BOX, NEAR, FAR = (0.0, 0.0, 10.0, 10.0), (1.0, 0.0, 11.0, 10.0), (6.0, 0.0, 16.0, 10.0)


def test_sure_detections_of_a_label_in_a_place() -> None:
    expected = detections((0, BOX, 0.9, 1), (0, BOX, 0.8, 2), (1, BOX, 0.5, 1), (1, FAR, 0.1, 1))
    found = detections((0, NEAR, 0.2, 1), (0, FAR, 0.9, 2), (1, BOX, 0.6, 2), (0, BOX, 0.5, 3))
    # the first: the second one's is elsewhere, the third one's of another label, the last is unsure
    told = agreeing_detections(expected, found)
    assert told == {"sure_detections": 3, "same": 1}
    assert agreement_line("detections", told).startswith("detections: 1 of 3 ")


def test_nothing_sure() -> None:
    unsure = detections((0, BOX, 0.1, 1))
    assert agreeing_detections(unsure, unsure) == {"sure_detections": 0, "same": 0}
