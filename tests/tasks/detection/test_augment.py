"""The recipes: what they do to boxes, to odd images, and to the generator of randomness."""

import itertools
import pickle
from typing import Any

import albumentations as A
import cv2
import numpy as np
import pytest

from tasks.detection.augmentation import recipes, windows
from tasks.detection.augmentation.placement import centres_inside, draw_masks, move_boxes, resize
from tasks.detection.augmentation.recipes import DetectionAugmentation, Sample
from tasks.detection.augmentation.windows import MIN_IOUS, random_crop, random_zoom_out

SIZE = 96
RECIPES = {
    "plain": recipes.plain(SIZE),
    "flip": recipes.flip(SIZE),
    "paper": recipes.paper(SIZE),
    "strong": recipes.strong(SIZE, mosaic=0.0),
    "mosaic": recipes.strong(SIZE, mosaic=1.0),
}
COLOURS = ((230, 20, 20), (20, 200, 20), (30, 30, 230), (220, 20, 220))
each_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())


def make_sample(index: int = 0, height: int = 120, width: int = 160) -> Sample:
    """A rectangle of one colour in the middle of a black image, and its box."""
    image = np.zeros((height, width, 3), np.uint8)
    x0, y0, x1, y1 = width // 4, height // 3, width // 4 + width // 3, height // 3 + height // 2
    image[y0:y1, x0:x1] = COLOURS[index % 4]
    boxes = np.array([[x0, y0, x1, y1]], np.float32)
    size = (width, height)
    return {
        "image": image,
        "boxes": boxes,
        "labels": np.array([index % 4]),
        "id": index,
        "size": size,
    }


def make_empty(height: int = 120, width: int = 160) -> Sample:
    sample = make_sample(height=height, width=width)
    return sample | {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64)}


def make_triangle(index: int = 0, height: int = 120, width: int = 160) -> Sample:
    """A triangle of one colour instead, with its outline."""
    image = np.zeros((height, width, 3), np.uint8)
    points = np.array([[width // 4, height // 5], [3 * width // 4, height // 2], [50, height - 20]])
    cv2.fillPoly(image, [points], COLOURS[index % 4])
    box = np.concatenate([points.min(axis=0), points.max(axis=0)])[None].astype(np.float32)
    polygons = [[points.astype(np.float64)]]
    return make_sample(index) | {"image": image, "boxes": box, "polygons": polygons}


def run(
    recipe: DetectionAugmentation, seed: int, read: Any = make_sample, index: int = 0
) -> Sample:
    return recipe(read, index, np.random.default_rng((7, seed, index)), num_images=4)


def assert_valid(sample: Sample) -> None:
    image, boxes, labels = sample["image"], sample["boxes"], sample["labels"]
    assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.uint8
    assert boxes.dtype == np.float32 and boxes.shape == (len(labels), 4)
    assert labels.dtype == np.int64
    assert ((boxes >= 0) & (boxes <= SIZE)).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 0.999).all()  # one pixel, less the flip's rounding


@each_recipe
def test_equal_generators_give_equal_samples_in_any_order_and_process(
    recipe: DetectionAugmentation,
) -> None:
    indices = list(range(6))
    first = {i: run(recipe, 1, index=i) for i in indices}
    copy = pickle.loads(pickle.dumps(recipe))  # what a worker gets
    run(copy, 99)
    for i in reversed(indices):
        again = run(copy, 1, index=i)
        assert all(np.array_equal(first[i][key], again[key]) for key in again)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([20, 20, 30, 30], [20, 20, 40, 40]),  # inside: moved and doubled
        ([5, 20, 25, 30], [0, 20, 30, 40]),  # centre inside: clipped on the left
        ([4, 20, 15, 30], None),  # centre outside, though it overlaps
        ([0, 0, 98, 98], [0, 0, 80, 80]),  # larger than the crop
        ([10, 10, 10.4, 30], None),  # less than a pixel wide
        ([60, 20, 70, 30], None),  # elsewhere
    ],
)
def test_a_box_stays_if_its_centre_does(box: list[float], expected: list[float] | None) -> None:
    source, target = np.array([10, 10, 50, 50]), np.array([0, 0, 80, 80])
    moved, kept = move_boxes(np.array([box], np.float32), source, target)
    assert kept.tolist() == [expected is not None]
    if expected:
        np.testing.assert_allclose(moved, [expected])


def test_boxes_follow_into_a_cell_of_the_canvas() -> None:
    boxes = np.array([[10, 20, 30, 40]], np.float32)
    moved, kept = move_boxes(boxes, np.array([0, 0, 100, 50]), np.array([50, 60, 100, 85]))
    assert kept.all()
    np.testing.assert_allclose(moved, [[55, 70, 65, 80]])


@each_recipe
def test_boxes_match_the_pixels(recipe: DetectionAugmentation) -> None:
    calls = itertools.count()  # so that the neighbours in a mosaic differ in colour
    for seed in range(40):
        result = run(recipe, seed, lambda _: make_sample(next(calls)))
        assert_valid(result)
        assert len(result["boxes"])
        for box, label in zip(result["boxes"], result["labels"], strict=True):
            drawn = colour_extent(result["image"], box, COLOURS[label])
            np.testing.assert_allclose(box, drawn, atol=2)


def colour_extent(image: np.ndarray, box: np.ndarray, colour: tuple[int, ...]) -> list[int]:
    """How far a colour reaches left, up, right and down from a box's centre."""
    loud = np.array(colour) > 100
    # Coloured means the colour's channels stand out, whatever brightness and saturation did.
    contrast = image[..., loud].min(-1).astype(int) - image[..., ~loud].max(-1)
    x, y = ((box[:2] + box[2:]) / 2).astype(int)
    coloured = contrast > contrast[y, x] / 2
    row, column = coloured[y], coloured[:, x]
    return [
        max(np.flatnonzero(~row[:x]), default=-1) + 1,
        max(np.flatnonzero(~column[:y]), default=-1) + 1,
        x + min(np.flatnonzero(~row[x:]), default=SIZE - x),
        y + min(np.flatnonzero(~column[y:]), default=SIZE - y),
    ]


@each_recipe
def test_masks_match_the_pixels(recipe: DetectionAugmentation) -> None:
    for seed in range(20):
        result = run(recipe, seed, make_triangle)
        boxes, masks = result["boxes"], result["masks"]
        assert masks.shape == (len(boxes), SIZE // 2, SIZE // 2) and masks.dtype == np.uint8
        assert "polygons" not in result
        for box, mask in zip(boxes, masks, strict=True):
            x, y, width, height = cv2.boundingRect(mask)
            extent = 2 * np.array([x, y, x + width, y + height])
            # A box may be larger: it follows corners of the object that the crop has cut off.
            assert (extent[:2] >= box[:2] - 2).all() and (extent[2:] <= box[2:] + 2).all()
        drawn = masks.any(axis=0).repeat(2, axis=0).repeat(2, axis=1)
        # Black and gray have no colour; objects whose box went are in no mask.
        coloured = np.ptp(result["image"].astype(int), axis=-1) > 60
        inside = np.zeros_like(coloured)
        for x0, y0, x1, y1 in boxes.astype(int):
            inside[y0:y1, x0:x1] = True
        assert (drawn != (coloured & inside))[inside].mean() < 0.15, seed


@each_recipe
def test_masks_change_nothing_else(recipe: DetectionAugmentation) -> None:
    def without(index: int) -> Sample:
        return {key: value for key, value in make_triangle(index).items() if key != "polygons"}

    for seed in range(5):
        expected, found = (run(recipe, seed, read) for read in (without, make_triangle))
        assert found.keys() - expected.keys() == {"masks"}
        assert all(np.array_equal(found[key], expected[key]) for key in expected)


@each_recipe
def test_without_objects_there_are_no_masks(recipe: DetectionAugmentation) -> None:
    for seed in range(5):
        result = run(recipe, seed, lambda _: make_empty() | {"polygons": []})
        assert result["masks"].shape == (0, SIZE // 2, SIZE // 2)


def test_flips_mirror_masks() -> None:
    straight = run(RECIPES["plain"], 0, make_triangle)
    flip = DetectionAugmentation(SIZE, transforms=[A.HorizontalFlip(p=1)])
    flipped = run(flip, 0, make_triangle)
    assert np.array_equal(flipped["masks"], straight["masks"][:, :, ::-1])


def test_masks_stay_in_their_cell() -> None:
    polygon = np.array([[0, 0], [100, 0], [100, 100], [0, 100.0]])
    source, target = np.array([50, 50, 100, 100]), np.array([48, 0, 96, 48])
    (mask,) = draw_masks([[polygon]], source, target, side=SIZE)
    assert mask.sum() == 24 * 24 and mask[:24, 24:].all()


def test_flips_mirror_image_and_boxes() -> None:
    straight = run(RECIPES["plain"], 0)
    flipped = run(DetectionAugmentation(SIZE, transforms=[A.HorizontalFlip(p=1)]), 0)
    assert np.array_equal(flipped["image"], straight["image"][:, ::-1])
    mirrored = straight["boxes"] * [-1, 1, -1, 1] + [SIZE, 0, SIZE, 0]
    np.testing.assert_allclose(flipped["boxes"], mirrored[:, [2, 1, 0, 3]], atol=1e-3)


def test_transforms_draw_independently() -> None:
    transforms = [A.HorizontalFlip(p=0.5), A.RandomBrightnessContrast((0.2, 0.2), 0, p=0.5)]
    recipe = DetectionAugmentation(SIZE, transforms=transforms)
    straight = run(RECIPES["plain"], 0)
    seen = [
        (result["boxes"][0, 0] != straight["boxes"][0, 0], result["image"].min() > 0)
        for result in (run(recipe, seed) for seed in range(100))
    ]
    for outcome in ((False, False), (False, True), (True, False), (True, True)):
        assert seen.count(outcome) > 10


@each_recipe
@pytest.mark.parametrize(
    ("height", "width"), [(120, 160), (1, 1), (1, 5000), (5000, 1), (2, 2), (3, 700)]
)
def test_images_without_boxes_and_odd_shapes_pass(
    recipe: DetectionAugmentation, height: int, width: int
) -> None:
    whole = {"boxes": np.array([[0, 0, width, height]], np.float32), "labels": np.array([3])}
    for seed in range(15):
        empty = run(recipe, seed, lambda _: make_empty(height, width))
        assert_valid(empty)
        assert len(empty["boxes"]) == 0
        filled = run(recipe, seed, lambda _: make_empty(height, width) | whole)
        assert_valid(filled)
        assert set(filled["labels"].tolist()) == {3}


@each_recipe
def test_no_image_loses_its_last_object(recipe: DetectionAugmentation) -> None:
    tiny = {"boxes": np.array([[300, 200, 315, 215]], np.float32)}  # 1.5 pixels in the end
    for seed in range(40):
        result = run(recipe, seed, lambda _: make_sample(height=900, width=900) | tiny)
        assert_valid(result)
        # A mosaic's cells are smaller than the whole image, and its box in them under a pixel.
        assert len(result["boxes"]) or recipe is RECIPES["mosaic"]


def test_other_keys_pass_through_and_the_source_is_left_alone() -> None:
    source = make_sample(2)
    before = pickle.dumps(source)
    assert run(RECIPES["mosaic"], 0, lambda _: source)["id"] == 2
    assert pickle.dumps(source) == before


def test_a_mosaic_shows_partners_from_the_whole_data_set() -> None:
    read = []
    for seed in range(30):
        run(RECIPES["mosaic"], seed, lambda i: read.append(i) or make_sample(i))
    assert len(read) == 4 * 30
    assert set(read) == {0, 1, 2, 3}


@pytest.mark.parametrize("min_iou", MIN_IOUS[:-1])
def test_crops_overlap_an_object_enough(min_iou: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MIN_IOUS", (min_iou,))
    frame = np.array([-50, -20, 350, 280])
    boxes = np.array([[20, 30, 220, 230], [250, 100, 300, 200]], np.float32)
    num_whole = 0
    for seed in range(60):
        crop = random_crop(frame, boxes, np.random.default_rng(seed))
        num_whole += np.array_equal(crop, frame)
        if not np.array_equal(crop, frame):
            assert_is_ssd_crop(crop, frame)
            inside = centres_inside(boxes, crop[None])[0]
            assert max(slow_iou(crop, box) for box in boxes[inside]) >= min_iou
    assert num_whole < 60


def assert_is_ssd_crop(crop: np.ndarray, frame: np.ndarray) -> None:
    assert (crop[:2] >= frame[:2]).all() and (crop[2:] <= frame[2:]).all()
    (width, height), extent = crop[2:] - crop[:2], frame[2:] - frame[:2]
    assert 0.09 <= width * height / extent.prod() <= 1
    assert 0.48 <= width / height <= 2.05  # sides are whole pixels


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def test_zooming_out_surrounds_the_image() -> None:
    whole = np.array([0, 0, 160, 120])
    for seed in range(50):
        window = random_zoom_out(whole, np.random.default_rng(seed), max_ratio=4)
        assert (window[:2] <= 0).all() and (window[2:] >= whole[2:]).all()
        assert (window[2:] - window[:2] <= 4 * whole[2:]).all()


def test_shrinking_averages_every_pixel() -> None:
    stripes = np.tile(np.array([0, 255, 0, 255], np.uint8)[None, :, None], (400, 100, 3))
    assert np.abs(resize(stripes, 100, 100).astype(int) - 128).max() <= 1
