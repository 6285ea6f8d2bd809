"""One box for an object, and one for each of its neighbours."""

from typing import Any

import numpy as np

from tasks.common.images.canvas import Canvas
from tasks.detection.drawing import class_colours, draw_detections, one_for_each_object


def thing(name: str, category: int, box: list[float], **score: float) -> dict[str, Any]:
    return {"name": name, "category_id": category, "bbox": box, **score}


CAT = thing("cat", 1, [100, 100, 200, 100], score=0.6)
DOG = thing("dog", 2, [105, 100, 200, 105], score=0.5)  # on the same animal
NEIGHBOUR = thing("cat", 1, [150, 100, 200, 100], score=0.9)  # overlaps by 0.6
INSIDE = thing("collar", 3, [150, 120, 50, 50], score=0.4)


def test_of_boxes_on_one_object_the_surest_is_left() -> None:
    assert one_for_each_object([DOG, CAT]) == [CAT]
    sure = {**DOG, "score": 0.7}
    assert one_for_each_object([CAT, sure]) == [sure]


def test_neighbours_and_what_is_inside_stay_the_surest_first() -> None:
    assert one_for_each_object([INSIDE, DOG, CAT, NEIGHBOUR]) == [NEIGHBOUR, CAT, INSIDE]


def test_the_truth_is_drawn_as_it_is() -> None:
    truth = [thing("cat", 1, [100, 100, 200, 100]), thing("toy", 2, [100, 100, 200, 100])]
    assert one_for_each_object(truth) == truth


def picture(detections: list[dict[str, Any]]) -> np.ndarray:
    canvas = Canvas(np.full((480, 640, 3), 90, np.uint8))
    draw_detections(canvas, detections)
    return canvas.picture()


def test_pictures_have_one_box_for_an_object_and_entries_keep_both() -> None:
    both = [CAT, DOG]
    assert (picture(both) == picture([CAT])).all() and both == [CAT, DOG]
    assert (picture([CAT, NEIGHBOUR]) != picture([NEIGHBOUR])).any()
    assert (picture([]) == 90).all()


def test_classes_of_a_picture_differ_in_colour_and_keep_theirs() -> None:
    assert class_colours([4, 9, 4], 21) == [4, 9, 4]
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids = rng.choice(91, 21, replace=False).tolist()
        assert len(set(class_colours(ids, 21))) == 21
    assert set(class_colours(list(range(50)), 21)) == set(range(21))
